"""What is left out, and the report on a data set."""

import json
import sys

import pytest

from src.audio import FeatureConfig
from src.data import DataConfig, ToyConfig, open_data
from src.data.check_data import check_data, format_report
from src.tokenizers import TokenizerConfig
from src.utils.errors import InputError
from tests.data_files import folder, manifest, sound


CHAR = TokenizerConfig("char")


def opened(root, tokenizer=CHAR, **keys):
    config = DataConfig(name="manifest", root=str(root), **keys)
    return open_data(config, FeatureConfig(), tokenizer, 0)


def add(root, part, **row):
    with (root / f"{part}.jsonl").open("a") as file:
        file.write(
            json.dumps({"audio": "x.wav", "text": "one", "speaker": "ann"} | row)
        )
        file.write("\n")


def seen(dropped, reason):
    return {
        split: len(rows) for (split, why), rows in dropped.rows.items() if why == reason
    }


@pytest.fixture
def root(tmp_path):
    return folder(tmp_path, {"train": 12, "val": 4, "test": 4})


@pytest.mark.spec("ASR-033", "Left out are recordings")
def test_each_reason_is_found(root):
    sound(root / "short.wav", 0.05, 901)
    sound(root / "long.wav", 3.0, 902)
    sound(root / "fast.wav", 0.2, 903)
    sound(root / "fine.wav", 0.5, 904)
    (root / "text.wav").write_text("this is no sound")
    (root / "copy.wav").write_bytes((root / "wavs/test_0.wav").read_bytes())
    add(root, "train", audio="short.wav")
    add(root, "train", audio="long.wav")
    add(root, "train", audio="fast.wav", text="one two three one two three")
    add(root, "val", audio="fine.wav", text="qqq?")
    add(root, "val", audio="fine.wav", text=" -- ")
    add(root, "train", audio="text.wav")
    add(root, "train", audio="gone.wav")
    add(root, "train", audio="wavs/train_0.wav")
    add(root, "train", audio="wavs/../wavs/val_1.wav")
    add(root, "train", audio="copy.wav")
    found = opened(root, max_seconds=2.0)
    dropped = found.dropped
    assert seen(dropped, "too short") == {"train": 1}
    assert seen(dropped, "too long") == {"train": 1}
    assert seen(dropped, "too many tokens") == {"train": 1}
    assert seen(dropped, "unknown character") == {"val": 1}
    assert seen(dropped, "empty text") == {"val": 1}
    assert seen(dropped, "unreadable audio") == {"train": 2}
    assert seen(dropped, "twice in a split") == {"train": 1}
    assert seen(dropped, "in two splits") == {"train": 2}
    assert {split: len(data) for split, data in found.datasets.items()} == {
        "train": 12, "val": 4, "test": 4
    }  # fmt: skip
    assert dropped.count() == 10
    table = dropped.table()
    for words in (
        "train.jsonl:13: 0.050 s < 0.1 s",
        "train.jsonl:14: 3.0 s > 2 s",
        "val.jsonl:5: 'q'",
        "text.wav: no audio",
        "gone.wav: cannot be opened",
        "as ",
        "(test)",
    ):
        assert words in table, words
    assert table in found.warnings


@pytest.mark.spec("ASR-033", "fewer than its tokens and their repeats")
def test_tokens_must_fit_the_frames(tmp_path):
    rows = []
    for n, (text, frames) in enumerate(
        [("ab", 5), ("ab", 4), ("aa", 9), ("aa", 8), ("ab", 80), ("ba", 80)]
    ):
        seconds = (frames - 1) * 0.01 + 0.025
        sound(tmp_path / f"{n}.wav", seconds, n)
        rows.append({"audio": f"{n}.wav", "text": text})
    manifest(tmp_path / "train.jsonl", rows)
    manifest(tmp_path / "val.jsonl", rows[4:5] + [{"audio": "9.wav", "text": "a"}])
    sound(tmp_path / "9.wav", 0.5, 9)
    dropped = opened(tmp_path, min_seconds=0.0).dropped
    named = [row.split(":")[1] for row in dropped.rows["train", "too many tokens"]]
    assert named == ["2", "4"]
    assert "3 tokens and repeats for 8 frames" in dropped.table()
    finer = opened(tmp_path, min_seconds=0.0, frames_per_token=2).dropped
    assert ("train", "too many tokens") not in finer.rows


def test_silence_is_no_copy(root):
    for n in (1, 2):
        (root / f"silent{n}.wav").write_bytes(
            sound(root / "s.wav", 0.4, 5).read_bytes()[:44] + bytes(6400)
        )
    add(root, "train", audio="silent1.wav")
    add(root, "test", audio="silent2.wav")
    assert not opened(root).dropped.rows


def test_a_part_with_nothing_left_says_why(root):
    manifest(root / "val.jsonl", [{"audio": "gone.wav", "text": "one"}])
    with pytest.raises(InputError) as caught:
        opened(root)
    said = str(caught.value)
    assert said.startswith("the part val has no recording left: 1 unreadable audio (")
    assert "gone.wav: cannot be opened" in said
    assert "\n" not in said


KEYS = [
    ({"name": "manifest"}, "data.root = '' is no folder"),
    ({"root": "x"}, "data.root: data.name = toy_seq2seq does not read it"),
    ({"leave_out_speaker": "a"}, "leave_out_speaker: data.name = toy_seq2seq"),
    ({"join": (2, 3)}, "data.join: data.name = toy_seq2seq does not"),
    ({"name": "toy_tones", "join_eval": 5}, "toy_tones without join does not read it"),
    ({"name": "espeak", "val": "x"}, "data.val: data.name = espeak does not"),
]


@pytest.mark.parametrize(("keys", "said"), KEYS, ids=range(len(KEYS)))
def test_keys_that_nothing_reads_are_refused(keys, said):
    with pytest.raises(InputError, match=said):
        open_data(DataConfig(**keys), FeatureConfig(), CHAR, 0)


BAD = [
    (DataConfig, {"batch_size": 0}, "batch_size = 0"),
    (DataConfig, {"val_share": 1.0}, "val_share = 1"),
    (DataConfig, {"join": (3, 2)}, r"join = \[3, 2\]"),
    (DataConfig, {"join_gap_s": (-1.0, 2.0)}, "join_gap_s"),
    (DataConfig, {"max_seconds": 0.05}, "max_seconds = 0.05"),
    (ToyConfig, {"tokens": 27}, "tokens = 27"),
    (ToyConfig, {"duration": (0, 3)}, "duration"),
    (ToyConfig, {"n_val": 0}, "n_val = 0"),
]


@pytest.mark.parametrize(("kind", "keys", "said"), BAD, ids=range(len(BAD)))
def test_ranges_are_checked(kind, keys, said):
    with pytest.raises(ValueError, match=said):
        kind(**keys)


def report(root, **keys):
    config = DataConfig(name="manifest", root=str(root), **keys)
    return check_data(config, FeatureConfig(), CHAR, 0)


@pytest.mark.spec("ASR-034", "durations, speakers and tokens of each part")
def test_the_report_counts(root):
    sound(root / "long.wav", 1.4, 901)
    add(root, "train", audio="long.wav", speaker="bob")
    found = report(root, batch_frames=200)
    assert {split: part.recordings for split, part in found.parts.items()} == {
        "train": 13, "val": 4, "test": 4
    }  # fmt: skip
    assert found.speakers["bob"] == {"train": 7, "val": 2, "test": 2}
    assert found.tokens["o"] == {"train": 9, "val": 3, "test": 3}
    train = found.parts["train"]
    assert train.seconds == pytest.approx((0.32, 0.44, 1.4), abs=0.001)
    assert (train.minutes, train.tokens) == (0.11, round(47 / 13, 2))
    data = opened(root, batch_frames=200).datasets["train"]
    batches, lengths = data.order.batches(0, 0, 1), data.lengths(0)
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    share = 100 - 100 * lengths.sum() / padded
    assert f" {share:.1f} % of their frames are padding" in found.batches
    text = format_report(found)
    rows = [line.split()[0] for line in text.splitlines() if line.endswith("#")]
    assert rows[:4] == ["bob", "ann", "e", "o"]
    for words in (
        "ann",
        "shortest",
        "batches ",
        "padding",
        "every speaker of the test",
    ):
        assert words in text, words
    assert "fewer than 10 times: 'h'" in text
    json.dumps(found.plain())


@pytest.fixture
def run(monkeypatch, capsys):
    """Call the script in this process: exit code, stdout, stderr."""
    import scripts.check_data as script

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["check_data.py", *words])
        with pytest.raises(SystemExit) as caught:
            script.run(script.command)
        said = capsys.readouterr()
        return caught.value.code, said.out, said.err

    return call


@pytest.mark.spec("ASR-034", "exits with 1 for faults and with 2")
def test_exit_codes(root, run):
    keys = ("data.name=manifest", f"data.root={root}")
    code, out, err = run(*keys)
    assert (code, err) == (0, "")
    assert "unreadable" not in out
    sound(root / "short.wav", 0.05, 901)
    add(root, "train", audio="short.wav")
    code, out, err = run(*keys)  # what a config leaves out is no fault
    assert (code, err, out.count("too short")) == (0, "", 1)
    add(root, "train", audio="gone.wav")
    code, out, err = run(*keys, "--json")
    assert code == 1
    assert json.loads(out)["faults"] == 1
    assert "1 recordings have faults" in err
    code, out, err = run("data.name=manifest", "data.root=/gone")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert run("data.naem=manifest")[0] == 2
