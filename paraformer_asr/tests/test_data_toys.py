"""Speech that is made up: patterns, tones, and the synthesiser espeak-ng."""

import dataclasses
import runpy
import subprocess
import sys

import numpy as np
import pytest
import torch

from src.audio import FeatureConfig
from src.data import DataConfig, ToyConfig, espeak, open_data
from src.data.config import EspeakConfig
from src.data.toy_patterns import draw_features, draw_plan
from src.data.toy_tones import chord, play
from src.tokenizers import TokenizerConfig
from src.utils.errors import InputError
from tests.data_files import RATE, one, same


TOY = ToyConfig(n_train=12, n_val=4, n_test=4)


@pytest.mark.spec("ASR-023", "a pure function of (seed, split, index)")
@pytest.mark.parametrize("name", ["toy_seq2seq", "toy_tones"])
def test_toys_are_functions_of_their_key(name):
    def build(seed=0, toy=TOY):
        config = DataConfig(name=name, toy=toy)
        return open_data(config, FeatureConfig(n_mels=8), TokenizerConfig("char"), seed)

    first, more = build(), build(toy=dataclasses.replace(TOY, n_train=30))
    batch = first.datasets["train"].__getitems__([(0, 5), (0, 2)])
    other = more.datasets["train"].__getitems__([(7, 2)])
    assert torch.equal(one(batch, 1)[0], one(other, 0)[0])
    assert torch.equal(one(batch, 1)[1], one(other, 0)[1])
    assert not same(other, first.datasets["val"].__getitems__([(7, 2)]))
    assert not same(other, build(seed=1).datasets["train"].__getitems__([(7, 2)]))
    assert first.tokenizer.vocab_size == 4 + TOY.tokens


@pytest.mark.spec("ASR-023", "each token a pattern that moves while it lasts")
def test_patterns_move_and_silence_is_still():
    toy = dataclasses.replace(TOY, noise=0.0)
    plan = draw_plan(toy, "train", 0, 0)
    features = draw_features(toy, plan, 16, (0,))
    assert features.shape == (plan.frames, 16)
    ends = {}
    for letter, start, end in zip(plan.letters, plan.starts, plan.ends, strict=True):
        assert np.abs(features[start] - features[end - 1]).max() > 0.5
        steps = np.diff(features[start:end], axis=0)
        np.testing.assert_allclose(steps, steps[:1].repeat(len(steps), 0), atol=1e-5)
        low, high = ends.setdefault(letter, features[[start, end - 1]])
        assert np.corrcoef(features[start], low)[0, 1] > 0.99
        assert np.corrcoef(features[end - 1], high)[0, 1] > 0.99
        features[start:end] = 0
    assert not features.any()


@pytest.mark.spec("ASR-023", "each token a chord of two tones")
def test_tones_are_where_the_chord_says():
    plan = draw_plan(dataclasses.replace(TOY, duration=(40, 60)), "train", 0, 1)
    waveform = play(plan, RATE)
    for letter, start, end in zip(plan.letters, plan.starts, plan.ends, strict=True):
        part = waveform[start * 80 : end * 80]
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * len(part)))
        peaks = np.argsort(power)[::-1] * RATE / (8 * len(part))
        low, high = chord(letter, RATE)
        assert min(abs(peaks[:40] - low)) < 10
        assert min(abs(peaks[:40] - high)) < 10
        power[np.abs(np.arange(len(power)) * RATE / 8 / len(part) - low) < 60] = 0
        power[np.abs(np.arange(len(power)) * RATE / 8 / len(part) - high) < 60] = 0
        assert power.max() < 0.1 * np.abs(np.fft.rfft(part)).max()
    chords = {chord(letter, RATE) for letter in range(26)}
    assert len(chords) == 26
    assert max(high for _, high in chords) < 3600


def test_the_toy_can_be_looked_at(tmp_path, monkeypatch, capsys):
    picture = tmp_path / "toy.png"
    monkeypatch.setattr(sys, "argv", ["toy", "--debug", "--out", str(picture)])
    monkeypatch.delitem(sys.modules, "src.data.toy_seq2seq", raising=False)
    runpy.run_module("src.data.toy_seq2seq", run_name="__main__")
    first, *_ = capsys.readouterr().out.splitlines()
    plan = draw_plan(ToyConfig(), "train", 0, 0)
    assert first.split()[:3] == ["0", plan.text, str(plan.frames)]
    assert f"{plan.text[0]}[{plan.starts[0]}:{plan.ends[0]}]" in first
    assert picture.read_bytes().startswith(b"\x89PNG")


SPEECH = EspeakConfig(n_train=4, n_val=2, n_test=2)


def speech(**keys):
    config = DataConfig(name="espeak", espeak=SPEECH, **keys)
    return open_data(config, FeatureConfig(), TokenizerConfig("word"), 0)


@pytest.mark.spec("ASR-032", "in its voices, speeds and pitches")
@pytest.mark.skipif(not espeak.shutil.which("espeak-ng"), reason="needs espeak-ng")
def test_espeak_speaks():
    data = speech().datasets["train"]
    batch = data.__getitems__([(0, i) for i in range(4)])
    assert same(
        batch, speech().datasets["train"].__getitems__([(0, i) for i in range(4)])
    )
    assert set(batch["speaker"]) <= set(SPEECH.voices)
    assert (batch["feature_lengths"] > 20).all()
    assert data.waveform(0, 0).abs().max() > 0.05
    with pytest.raises(InputError, match=r"voice 'xx-none'.*espeak-ng --voices"):
        espeak.speak("hi", "xx-none", 150, 50, 8000)
    spoken = espeak.speak("-v nothing; $(true)", "en-us", 150, 50, 8000)
    assert len(spoken) > 4000


@pytest.mark.spec("ASR-032", "the sentence says how to install it")
def test_espeak_that_is_not_there(monkeypatch):
    monkeypatch.setattr(espeak.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="apt-get install espeak-ng"):
        speech()


@pytest.mark.spec("ASR-032", "within a time limit, without a shell")
def test_espeak_is_given_no_shell_and_no_eternity(monkeypatch):
    calls = []

    def slow(command, **keys):
        calls.append((command, keys))
        raise subprocess.TimeoutExpired(command, keys["timeout"])

    monkeypatch.setattr(espeak.shutil, "which", lambda name: "/bin/espeak-ng")
    monkeypatch.setattr(espeak.subprocess, "run", slow)
    with pytest.raises(InputError, match="took more than 20 s for 'hello'"):
        espeak.speak("hello", "en-us", 150, 50, 8000)
    command, keys = calls[0]
    assert isinstance(command, list)
    assert not keys.get("shell")
    assert "hello" not in command
    assert keys["input"] == b"hello"


def test_sentences_are_in_one_part_only(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(f"sentence {n}" for n in range(60)))
    pools = espeak._sentences(str(path))
    assert sum(map(len, pools.values())) == 60
    assert not set(pools["train"]) & set(pools["val"]) | set(pools["val"]) & set(
        pools["test"]
    )
    path.write_text("one\n")
    with pytest.raises(InputError, match="no sentence falls to the part"):
        espeak._sentences(str(path))
    path.write_text("x" * 3000)
    with pytest.raises(InputError, match=r"lines\.txt:1: the line has 3000 characters"):
        espeak._sentences(str(path))
