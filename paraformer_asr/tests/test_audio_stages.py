"""The picture of the stages, by its command."""

import runpy
import sys

import numpy as np
import pytest

from src.audio import FeatureConfig, FrontEnd, stages, write_wav
from src.audio.stages import draw_stages
from src.utils.errors import InputError
from tests.audio_files import ramp, wav
from tests.kaldi import speech_like


@pytest.mark.spec("ASR-016", "draws the eight stages of the front end")
def test_the_eight_stages_hold_their_numbers(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr("src.utils.plots.save_figure", lambda f, path: kept.append(f))
    waveform = speech_like(8000, 8000)
    front_end = FrontEnd(FeatureConfig())
    draw_stages(waveform, front_end, "a.wav", tmp_path / "x.png")
    panels = [axis for axis in kept[0].axes if axis.get_title()]
    assert [axis.get_title()[0] for axis in panels] == list("12345678")
    shown = panels[0].lines[0].get_ydata()
    assert shown == pytest.approx(waveform.numpy())
    assert len(panels[3].lines) == 40
    images = [axis.images[0].get_array() for axis in panels[4:]]
    shown = [front_end.coefficients(waveform).numpy(), front_end(waveform).numpy()]
    assert all(np.array_equal(a.T, b) for a, b in zip(images, shown, strict=False))
    assert [image.shape for image in images] == [(40, 98)] * 2 + [(280, 17), (40, 98)]
    assert 0 < (images[3] != images[1]).mean() < 0.7


@pytest.mark.spec("ASR-016", "`python -m src.audio.stages --input F --out F.png`")
def test_the_command_writes_a_picture(tmp_path, monkeypatch, capsys):
    write_wav(tmp_path / "a.wav", speech_like(3000, 16000), 16000)
    given = ["--input", tmp_path / "a.wav", "--out", tmp_path / "x.png", "--mels", 23]
    monkeypatch.setattr(sys, "argv", ["stages", *map(str, given)])
    monkeypatch.delitem(sys.modules, "src.audio.stages")
    with pytest.raises(SystemExit) as done:
        runpy.run_module("src.audio.stages", run_name="__main__")
    assert done.value.code == 0
    assert capsys.readouterr().out.startswith("8 stages of 0.19 s")
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    "data, options, words",
    [
        (wav(ramp(100)), {}, "100 samples are shorter than one frame, 200"),
        (wav(ramp(900)), {"window": "hann"}, "povey or hamming"),
        (wav(ramp(900)), {"mels": 0}, "n_mels must be at least 1"),
        (wav(ramp(900)), {"sample_rate": 5}, "sample_rate must be 1000"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(data, options, words, tmp_path):
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(InputError, match=words):
        stages.stages(tmp_path / "a.wav", tmp_path / "x.png", **options)
