"""The recogniser: any length, rate and loudness of sound, and every method."""

import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from src.audio.resample import resample
from src.audio.wav import write_wav
from src.decoding.greedy import nar_greedy
from src.decoding.ngram import NGram
from src.inference.search import search
from src.losses import LossConfig
from src.utils.errors import FaultError, InputError
from src.utils.logging import log
from tests.spoken import CONFIG, RATE, ROOT, TOKENIZER, load, make_checkpoint, sound


STREAMING = {
    "features": replace(CONFIG.features, cmvn="none"),
    "model": replace(CONFIG.model, causal=True),
}


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory):
    return load(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    names = ("transformer", "ctc")
    return {name: load(tmp_path_factory.mktemp(name), name=name) for name in names}


@pytest.mark.spec("ASR-113", "heard as a whole, as the model hears its features")
@pytest.mark.parametrize("seconds", [0.1, 0.7, 2.5])
def test_short_audio_says_what_the_model_says_of_its_features(recognizer, seconds):
    waveform = sound(seconds)
    features = recognizer.loaded.front_end(waveform)[None]
    lengths = torch.tensor([features.shape[1]])
    with torch.no_grad():
        said = recognizer.loaded.model.recognise(features, lengths)
    (best,) = nar_greedy(said.logits, said.lengths)
    found = recognizer.transcribe(waveform, RATE)
    assert found.text == TOKENIZER.decode(best.tokens) != ""
    assert found.method == "nar" and found.seconds == pytest.approx(seconds)
    (segment,) = found.segments
    assert [t.confidence for t in segment.tokens] == pytest.approx(best.confidence)
    assert found.confidence == pytest.approx(segment.confidence)
    assert 0 <= segment.start_s < segment.end_s <= seconds


@pytest.mark.spec("ASR-113", "from no sample on, digital silence, an offset, clipping")
@pytest.mark.parametrize("method", ["nar", "ctc"])
@pytest.mark.parametrize("samples", [0, 1, 2, 79, 80, 199, 200, 201, 280, 1000])
def test_audio_of_any_few_samples_gives_a_text(recognizer, method, samples):
    found = recognizer.transcribe(sound(1.0)[:samples], RATE, method=method)
    assert isinstance(found.text, str) and found.seconds == samples / RATE
    if samples < 200:
        assert found.text == "" and found.segments == ()


@pytest.mark.parametrize(
    "waveform",
    [
        torch.zeros(RATE),
        torch.full((RATE,), 0.7),
        torch.full((RATE,), 1e-30),
        (10 * sound(1.0)).clamp(-1, 1),
        sound(1.0) + 0.5,
        torch.ones(RATE) - 2 * (torch.arange(RATE) % 2),
        torch.finfo(torch.float32).max * torch.sign(sound(1.0)),
        torch.nn.functional.one_hot(torch.tensor(99), RATE).float(),
        sound(1.0).double(),
        sound(1.0).half(),
        sound(2.0)[::2],
        sound(1.0).requires_grad_(),
    ],
    ids=[
        *("zeros", "an offset", "tiny", "clipped", "sound and offset", "square"),
        *("huge", "click", "double", "half", "strided", "with gradient"),
    ],
)
@pytest.mark.spec("ASR-113", "never an exception")
def test_odd_sounds_give_a_text(recognizer, waveform):
    found = recognizer.transcribe(waveform, RATE)
    assert isinstance(found.text, str)
    assert all(math.isfinite(s.start_s + s.end_s) for s in found.segments)
    if waveform.float().std() < 1e-20:
        assert found.text == ""


@pytest.mark.spec("ASR-115", "resampled with a warning that names both rates, once")
@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (16_000, "resampled from 16000 to 8000 Hz"),
        (11_025, "resampled from 11025 to 8000 Hz"),
        (4000, "from 4000 to 8000 Hz; nothing above 2 kHz is in it"),
    ],
)
def test_another_rate_is_resampled_with_a_warning(tmp_path, monkeypatch, rate, words):
    recognizer, waveform, warned = load(tmp_path), sound(1.0, rate=rate), []
    monkeypatch.setattr(log, "warning", warned.append)
    found, again = (recognizer.transcribe(waveform, rate) for _ in "ab")
    expected = recognizer.transcribe(resample(waveform, rate, RATE), RATE)
    assert found.text == again.text == expected.text
    assert found.seconds == 1.0 and expected.notes == ()
    assert words in found.notes[0]
    (warning,) = warned
    assert warning.startswith("warning: the audio is ") and words in warning


@pytest.mark.spec("ASR-116", "refused by its place")
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 7000, 25 * RATE + 3])
def test_a_sample_that_is_no_number_is_refused_by_its_place(recognizer, bad, place):
    waveform = sound(30)
    waveform[place] = bad
    with pytest.raises(
        InputError, match=f"sample {place} of the audio is not a finite"
    ):
        recognizer.transcribe(waveform, RATE)
    with pytest.raises(InputError, match=f"sample {place} "):
        recognizer.inspect(waveform, RATE)


@pytest.mark.spec("ASR-116", "scale of integers are scaled down with a note")
def test_floats_on_the_scale_of_integers_are_scaled_down(tmp_path):
    plain = {"features": replace(CONFIG.features, cmvn="none")}
    recognizer, waveform = load(tmp_path, **plain), sound(1.0)
    waveform /= waveform.abs().max()
    loud = recognizer.transcribe(waveform * 32_000, RATE)
    assert loud.text == recognizer.transcribe(waveform, RATE).text
    assert "samples up to 32000" in loud.notes[0]
    assert recognizer.transcribe(waveform * 1.5, RATE).notes == ()


def test_long_audio_has_the_times_of_its_pieces(recognizer):
    parts = [sound(2, 1), torch.zeros(RATE), sound(3, 2), torch.zeros(9 * RATE)]
    waveform, told = torch.cat([*parts, sound(1, 3)]), []
    found = recognizer.transcribe(waveform, RATE, on_segment=told.append)
    first, second, third = found.segments
    assert told == list(found.segments)
    assert found.text == " ".join(segment.text for segment in told)
    assert 0 <= first.start_s < first.end_s <= 2.25
    assert 2.75 <= second.start_s < second.end_s <= 6.25
    assert 14.75 <= third.start_s < third.end_s <= 16
    alone = recognizer.transcribe(torch.cat([sound(1, 3)]), RATE)
    assert len(alone.text) > 0 and found.seconds == 16
    times = [t for s in found.segments for token in s.tokens for t in token[1:3]]
    assert times == sorted(times)


def test_a_file_says_what_its_samples_say(recognizer, tmp_path):
    waveform = torch.cat([sound(9, seed) for seed in range(4)]).clamp(-1, 1)
    write_wav(tmp_path / "a.wav", waveform, RATE)
    whole = torch.round(waveform * 32768).clamp(-32768, 32767) / 32768
    found = recognizer.transcribe_file(tmp_path / "a.wav")
    expected = recognizer.transcribe(whole, RATE)
    assert found.text == expected.text and found.segments == expected.segments
    data = (tmp_path / "a.wav").read_bytes()
    assert recognizer.transcribe_file(data).text == expected.text


LONG = """
import resource, sys, torch
torch.set_num_threads(1)
from src.inference.recognizer import Recognizer
from src.inference.long_audio import Audio
recognizer = Recognizer.load(sys.argv[1])
g = torch.Generator().manual_seed(0)
block = 0.1 * torch.randn(30 * 8000, generator=g)
def used(blocks):
    said = recognizer.transcribe_blocks(Audio(block, 8000) for _ in range(blocks))
    return said.seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(*used(4), *used(24))
"""


@pytest.mark.spec("ASR-117", "does not grow with its length")
def test_the_memory_of_twelve_minutes_is_that_of_two(tmp_path):
    path = make_checkpoint(tmp_path / "run")
    done = subprocess.run(
        [sys.executable, "-c", LONG, str(path)],
        cwd=ROOT, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    _, before, seconds, after = map(float, done.stdout.split())
    assert seconds == 720 and after < 1500
    assert after - before < 12  # ten minutes more are 19 MB as float32


@pytest.mark.spec("ASR-118", "offers the methods that it was trained for")
def test_methods_of_each_model(recognizer, models, tmp_path):
    assert recognizer.methods == ("nar", "nar_beam", "ctc", "ctc_beam")
    assert models["transformer"].methods == ("ar", "ar_beam", "ctc", "ctc_beam")
    assert models["ctc"].methods == ("ctc", "ctc_beam")
    assert load(tmp_path, loss=LossConfig(ctc=0.0)).methods == ("nar", "nar_beam")
    for one in (recognizer, *models.values()):
        texts = {m: one.transcribe(sound(0.5), RATE, method=m) for m in one.methods}
        assert all(text.method == name for name, text in texts.items())
        assert one.transcribe(sound(0.5), RATE).text == texts[one.methods[0]].text
        for text in texts.values():
            (segment,) = text.segments
            assert TOKENIZER.decode(TOKENIZER.encode(text.text)) == text.text
            assert 0 <= segment.start_s <= segment.end_s <= 0.5
            assert "".join(token.token for token in segment.tokens) == text.text


@pytest.mark.spec("ASR-118", "refuses others by name")
def test_a_method_that_the_model_does_not_have_is_refused(recognizer, models):
    with pytest.raises(InputError, match="this model has auto, ctc, ctc_beam"):
        models["ctc"].transcribe(sound(0.1), RATE, method="nar")
    with pytest.raises(InputError, match="--method beam: this model has auto, nar"):
        recognizer.transcribe(sound(0.1), RATE, method="beam")


@pytest.mark.spec("ASR-118", "hot words and language models choose a beam search")
def test_hot_words_change_what_is_heard(recognizer, models):
    plain = recognizer.transcribe(sound(1.0), RATE, method="ctc_beam").text
    hot = recognizer.transcribe(sound(1.0), RATE, hotwords=["aaaa"])
    assert hot.method == "ctc_beam" and "aa" in hot.text and "aa" not in plain
    assert models["transformer"].methods[0] == "ar"
    said = models["transformer"].transcribe(sound(0.4), RATE, hotwords=["a"])
    assert said.method == "ctc_beam"
    with pytest.raises(InputError, match="--hotwords: the character 'z'"):
        recognizer.transcribe(sound(0.1), RATE, hotwords=["az"])
    with pytest.raises(InputError, match="--method nar cannot heed hot words"):
        recognizer.transcribe(sound(0.1), RATE, hotwords=["a"], method="nar")


def test_a_language_model_changes_what_is_heard(recognizer, tmp_path):
    NGram.train([list("cccc")] * 9 + [list("c")], 2).write(tmp_path / "c.arpa")
    plain = recognizer.transcribe(sound(1.0), RATE, method="ctc_beam")
    said = recognizer.transcribe(sound(1.0), RATE, lm=tmp_path / "c.arpa")
    assert said.method == "ctc_beam" and said.text != plain.text
    with pytest.raises(InputError, match="no.arpa"):
        recognizer.transcribe(sound(0.1), RATE, lm=tmp_path / "no.arpa")


@pytest.mark.spec("ASR-118", "a language model of other tokens is refused")
def test_a_language_model_of_words_is_none_of_letters(recognizer):
    words = NGram.train([["one", "two"]], 2)
    with pytest.raises(InputError, match="--lm: its words, such as 'two', are none of"):
        recognizer.transcribe(sound(0.1), RATE, lm=words)


def test_a_batch_with_an_utterance_of_no_frames(recognizer):
    features = recognizer.loaded.front_end(sound(1.0))[None].repeat(3, 1, 1)
    lengths = torch.tensor([0, features.shape[1], 0])
    for method in recognizer.methods:
        empty, said, last = search(recognizer.loaded, features, lengths, method)
        assert empty == last == ([], ()) and said.tokens
    none = search(recognizer.loaded, features, torch.zeros(3, dtype=torch.long), "nar")
    assert none == [([], ())] * 3


def test_a_model_of_nan_is_a_fault(tmp_path):
    recognizer = load(tmp_path)
    recognizer.loaded.model.ctc_head.weight.data[:] = math.nan
    recognizer.loaded.model.decoder.head.weight.data[:] = math.nan
    for method in recognizer.methods:
        with pytest.raises(FaultError, match="the model gives NaN"):
            recognizer.transcribe(sound(1.0), RATE, method=method)


def test_inspection_has_everything_on_the_way(recognizer, models):
    waveform = sound(1.0, rate=16_000)
    found = recognizer.inspect(waveform, 16_000)
    said = recognizer.transcribe(waveform, 16_000)
    assert found.text == said.text
    assert found.tokens == said.segments[0].tokens
    assert found.features.shape == (98, 8) and found.frame_seconds == 0.01
    assert len(found.alphas) == len(found.ctc_logits) == 25
    assert found.time_seconds == pytest.approx(0.04)
    assert len(found.boundaries) == len(found.logits) > 0
    assert float(found.boundaries.max()) <= 1.0
    ctc = models["ctc"].inspect(waveform, 16_000)
    assert ctc.text and len(ctc.alphas) == len(ctc.logits) == len(ctc.boundaries) == 0
    for nothing in (torch.zeros(0), torch.zeros(RATE), torch.ones(9)):
        empty = recognizer.inspect(nothing, RATE)
        assert empty.text == "" and empty.logits.shape == (0, TOKENIZER.vocab_size)


def test_partial_texts_of_a_model_that_streams(tmp_path, recognizer):
    streaming, told = load(tmp_path, **STREAMING), []
    waveform = torch.cat([sound(2.0), torch.zeros(RATE), sound(1.0, 1)])
    blocks = [type("B", (), {"waveform": waveform, "sample_rate": RATE})]
    said = streaming.transcribe_blocks(
        blocks, on_partial=lambda seconds, text: told.append((seconds, text))
    )
    assert said.text == streaming.transcribe(waveform, RATE).text
    assert len(told) > 4 and [t for t, _ in told] == sorted(t for t, _ in told)
    with pytest.raises(InputError):
        recognizer.new_stream()
