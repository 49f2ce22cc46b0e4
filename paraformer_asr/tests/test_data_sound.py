"""From recordings to batches: the same sample whoever asks, decoded once."""

import json

import pytest
import torch

from src.audio import FeatureConfig, FrontEnd, PerturbConfig, SpecAugmentConfig
from src.audio.read import read_audio
from src.audio.resample import resample
from src.data import DataConfig, dataset, open_data, recordings
from src.data.dataloader import EpochBatches, train_loader
from src.data.joined import Strings, join
from src.tokenizers import TokenizerConfig
from src.utils.seed import keyed_rng
from tests.data_files import folder, manifest, one, same, sound


WORD = TokenizerConfig("word")
CHAR = TokenizerConfig("char")
STRONG = PerturbConfig(
    speeds=(0.9, 1.0, 1.1), volume_db=(-6, 6), noise_chance=0.5, warp=0.1
)
MASKS = SpecAugmentConfig(frequency_masks=2, time_masks=2)


def opened(root, seed=0, tokenizer=WORD, trained=None, **keys):
    config = DataConfig(name="manifest", root=str(root), **keys)
    return open_data(config, FeatureConfig(), tokenizer, seed, trained)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("data"), {"train": 20, "val": 5, "test": 5})


@pytest.mark.spec("ASR-029", "padded with zeros at the right")
def test_a_batch_is_what_the_files_hold(root):
    data = opened(root).datasets["test"]
    batch = data.__getitems__([(0, i) for i in range(5)])
    lines = (root / "test.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    tokenizer = data.tokenizer
    for i, row in enumerate(rows):
        waveform = read_audio(root / row["audio"]).waveform
        expected = FrontEnd(FeatureConfig())(waveform)
        features, tokens = one(batch, i)
        assert torch.equal(features, expected)
        assert tokenizer.decode(tokens) == row["text"] == batch["text"][i]
        assert batch["features"][i, len(expected) :].eq(0).all()
        assert (batch["id"][i], batch["speaker"][i]) == (row["audio"], row["speaker"])
    assert batch["features"].dtype == torch.float32
    assert batch["tokens"].dtype == batch["feature_lengths"].dtype == torch.int64
    assert data[(0, 1)]["text"] == rows[1]["text"]


VARIANTS = {
    "plain": {},
    "perturbed": {"perturb": STRONG, "spec_augment": MASKS},
    "hidden": {"spec_augment": MASKS},
    "joined": {"join": (1, 3), "perturb": STRONG, "spec_augment": MASKS},
}


@pytest.mark.spec("ASR-029", "whoever computes it and whatever else is in the batch")
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_sample_is_a_function_of_its_key(root, variant):
    keys = VARIANTS[variant]
    first = opened(root, **keys).datasets["train"]
    again = opened(root, **keys).datasets["train"]
    batch = first.__getitems__([(3, i) for i in (4, 0, 2)])
    again.__getitems__([(1, 2), (2, 2)])
    alone = again.__getitems__([(3, 2)])
    assert torch.equal(one(batch, 2)[0], one(alone, 0)[0])
    assert torch.equal(one(batch, 2)[1], one(alone, 0)[1])
    assert same(batch, first.__getitems__([(3, i) for i in (4, 0, 2)]))
    differs = not same(alone, first.__getitems__([(4, 2)]))
    assert differs == (variant != "plain")


@pytest.mark.spec("ASR-029", "the parts that are not trained on stay as they are")
def test_held_out_parts_are_never_changed(root):
    changed = {"perturb": STRONG, "spec_augment": MASKS}
    plain = opened(root).datasets["val"].__getitems__([(0, 1)])
    assert same(plain, opened(root, **changed).datasets["val"].__getitems__([(5, 1)]))
    strings = opened(root, join=(2, 3), **changed).datasets["test"]
    assert same(strings.__getitems__([(0, 1)]), strings.__getitems__([(9, 1)]))


def test_workers_make_the_same_batches(root):
    data = opened(root, **VARIANTS["joined"]).datasets["train"]
    order = EpochBatches(len(data), 4, seed=0, epoch=1)
    here = list(train_loader(data, order))
    there = list(train_loader(data, order, workers=2))
    assert len(here) == len(there) > 1
    assert all(same(a, b) for a, b in zip(here, there, strict=True))


def test_another_seed_gives_other_samples(root):
    keys = VARIANTS["joined"]
    first = opened(root, seed=0, **keys).datasets["train"].__getitems__([(0, 0)])
    second = opened(root, seed=1, **keys).datasets["train"].__getitems__([(0, 0)])
    assert not same(first, second)


@pytest.mark.spec("ASR-028", "of one speaker")
def test_strings_are_of_one_speaker():
    speakers = ["ann", "bob", "ann", "eve", "bob", "ann"]
    strings = Strings(speakers, (2, 4), (0.1, 0.2))
    drawn = [strings.draw(keyed_rng(n)) for n in range(300)]
    for string in drawn:
        assert len({speakers[i] for i in string.parts}) == 1
        assert len(string.gaps) == len(string.parts) + 1
        assert all(0.1 <= gap <= 0.2 for gap in string.gaps)
    assert {len(string.parts) for string in drawn} == {2, 3, 4}
    assert {i for string in drawn for i in string.parts} == set(range(6))


def test_some_strings_have_no_silence_at_their_ends():
    strings = Strings(["ann"] * 3, (1, 3), (0.1, 0.2), bare=0.25)
    drawn = [strings.draw(keyed_rng(n)) for n in range(1000)]
    bare = [s for s in drawn if s.gaps[0] == s.gaps[-1] == 0]
    assert 200 < len(bare) < 300
    assert all(gap >= 0.1 for s in bare for gap in s.gaps[1:-1])
    assert all(gap >= 0.1 for s in drawn if s not in bare for gap in s.gaps)


@pytest.mark.spec("ASR-028", "silence before, between and after them")
def test_recordings_lie_between_gaps():
    first, second = torch.ones(10), -torch.ones(5)
    joined = join([first, second], [0.01, 0.02, 0.003], 1000, 0.01, keyed_rng(0))
    assert len(joined) == 10 + 10 + 20 + 5 + 3
    assert torch.equal(joined[10:20], first)
    assert torch.equal(joined[40:45], second)
    gaps = torch.cat([joined[:10], joined[20:40], joined[45:]])
    assert 0.005 < gaps.std() < 0.02
    silent = join([first], [0.01, 0.01], 1000, 0.0, keyed_rng(0))
    assert silent[:10].eq(0).all()


def test_joined_single_words_can_be_spelled(root):
    """No recording has a space; the strings have."""
    data = opened(root, tokenizer=CHAR, join=(2, 3))
    batch = data.datasets["train"].__getitems__([(0, 0)])
    assert " " in batch["text"][0] and " " in data.tokenizer.pieces


@pytest.mark.spec("ASR-028", "drawn anew in each epoch")
def test_training_strings_change_and_others_do_not(root):
    data = opened(root, join=(2, 3), join_train=7, join_eval=6).datasets
    train, test = data["train"], data["test"]
    assert (len(train), len(test)) == (7, 6)
    assert train.string(0, 1) != train.string(1, 1)
    assert test.string(0, 1) == test.string(1, 1)
    batch = test.__getitems__([(0, i) for i in range(6)])
    for i in range(6):
        string = test.string(0, i)
        words = [test.texts[p] for p in string.parts]
        assert batch["text"][i] == " ".join(words)
        assert batch["speaker"][i] == test.utterances[string.parts[0]].speaker
    assert len(opened(root, join=(2, 3)).datasets["train"]) == 8


def test_no_two_draws_share_a_generator(root, monkeypatch):
    """Neither samples, nor parts, nor the joining and the changing of a sample."""
    drawn = []

    def noted(plain):
        def draw(*given):
            drawn.append(str(given[-1].bit_generator.state))
            return plain(*given)

        return draw

    data = opened(root, join=(2, 3), perturb=STRONG, join_eval=4).datasets
    monkeypatch.setattr(Strings, "draw", noted(Strings.draw))
    change = noted(dataset.draw_perturbation)
    monkeypatch.setattr(dataset, "draw_perturbation", change)
    for split in data:
        data[split].__getitems__([(0, i) for i in range(4)])
    data["train"].__getitems__([(1, 0)])
    assert len(drawn) == len(set(drawn)) == 8 + 4 + 4 + 2


def test_stacked_frames_are_hidden_alike(root):
    masks = SpecAugmentConfig(frequency_masks=1, frequency_width=5)
    config = DataConfig(name="manifest", root=str(root), spec_augment=masks)
    features = FeatureConfig(n_mels=20, lfr_m=3, lfr_n=2)
    data = open_data(config, features, WORD, 0).datasets["train"]
    hidden = []
    for index in range(20):
        plain = data.front_end(data.waveform(0, index))
        changed = (data[(0, index)]["features"] != plain).any(0).view(3, 20)
        assert changed[0].eq(changed).all()
        hidden.append(int(changed[0].sum()))
    assert max(hidden) == 5


def test_evaluation_within_a_budget_goes_by_length(tmp_path):
    for part in ("train", "val"):
        rows = []
        for n, seconds in enumerate((0.6, 0.3, 0.5, 0.2)):
            sound(tmp_path / f"{part}{n}.wav", seconds, len(part) * 10 + n)
            rows.append({"audio": f"{part}{n}.wav", "text": "one"})
        manifest(tmp_path / f"{part}.jsonl", rows)
    data = opened(tmp_path, batch_frames=100).datasets["val"]
    batch = data.__getitems__([(0, i) for i in range(4)])
    assert batch["id"] == ["val3.wav", "val1.wav", "val2.wav", "val0.wav"]
    assert batch["feature_lengths"].tolist() == data.lengths(0).tolist()


@pytest.mark.parametrize("keys", [{}, {"join": (1, 3)}, {"join": (2, 2)}])
def test_lengths_are_those_of_the_features(root, keys):
    for data in opened(root, **keys).datasets.values():
        found = data.__getitems__([(2, i) for i in range(len(data))])["feature_lengths"]
        assert data.lengths(2).tolist() == found.tolist()


@pytest.mark.spec("ASR-030", "decoded once")
def test_files_are_decoded_once(root, monkeypatch):
    reads = []
    real = recordings.stream_audio
    monkeypatch.setattr(
        recordings, "stream_audio", lambda path: reads.append(path) or real(path)
    )
    data = opened(root, perturb=STRONG).datasets["train"]
    assert len(reads) == len(set(reads)) == 30
    data.__getitems__([(0, i) for i in range(20)])
    assert len(reads) == 30


def test_other_rates_are_resampled(tmp_path, caplog):
    rows = []
    for n, rate in enumerate((8000, 16000, 16000, 8000)):
        sound(tmp_path / f"{n}.wav", 0.4, n, rate)
        rows.append({"audio": f"{n}.wav", "text": "one"})
    manifest(tmp_path / "train.jsonl", rows)
    with caplog.at_level("WARNING", logger="run"):
        found = opened(tmp_path, val_share=0.3)
    assert "2 files of 16000 Hz are resampled" in " ".join(found.warnings)
    data = {u.id: (d, u) for d in found.datasets.values() for u in d.utterances}
    kept, utterance = data["1.wav"]
    audio = read_audio(tmp_path / "1.wav")
    expected = resample(audio.waveform, 16000, 8000)
    assert torch.equal(kept.recordings[utterance], expected)


def test_a_trained_tokenizer_and_front_end_are_used(root):
    first = opened(root, tokenizer=CHAR)
    again = opened(root, trained=(first.tokenizer, first.front_end))
    assert again.tokenizer is first.tokenizer
    assert again.front_end is first.front_end
    assert again.fingerprint == first.fingerprint
    assert (
        opened(root, seed=4, leave_out_speaker="bob").fingerprint != first.fingerprint
    )


def test_global_moments_are_those_of_the_training_part(root):
    features = FeatureConfig(cmvn="global", n_mels=12)
    config = DataConfig(name="manifest", root=str(root))
    found = open_data(config, features, WORD, 0)
    batch = found.datasets["train"].__getitems__([(0, i) for i in range(20)])
    rows = torch.cat([one(batch, i)[0] for i in range(20)])
    assert rows.mean(0).abs().max() < 1e-4
    assert (rows.std(0, correction=0) - 1).abs().max() < 1e-3
