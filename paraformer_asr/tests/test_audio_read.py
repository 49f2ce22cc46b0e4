"""Other formats than 16-bit WAV, and sound in blocks of bounded size."""

import sys
import tracemalloc

import numpy as np
import pytest
import torch

from src.audio import audio_info, read_audio, stream_audio
from src.audio import read as read_module
from src.utils.errors import InputError
from tests.audio_files import ramp, wav


@pytest.mark.spec("ASR-004", "FLAC, MP3, OGG, 24-bit and float files are read")
@pytest.mark.parametrize("kind", ["FLAC", "OGG", "MP3", "PCM_24", "FLOAT", "ULAW"])
def test_other_formats_are_read_through_soundfile(kind, tmp_path):
    soundfile = pytest.importorskip("soundfile", reason="an extra")
    waveform = 0.5 * np.sin(np.arange(16000) * 0.2)
    path = tmp_path / "sound"
    container = kind if kind in ("FLAC", "OGG", "MP3") else "WAV"
    subtype = kind if container == "WAV" else None
    stereo = np.stack([waveform, waveform], 1)
    soundfile.write(path, stereo, 16000, format=container, subtype=subtype)
    audio = read_audio(path)
    assert audio.sample_rate == 16000
    assert audio_info(path).sample_rate == 16000
    close = {"OGG": 0.1, "MP3": 0.1, "ULAW": 0.02}.get(kind, 1e-4)
    count = min(len(audio.waveform), 16000)
    assert count > 15000
    if kind != "MP3":  # its codec begins with silence
        difference = audio.waveform[:count].numpy() - waveform[:count]
        assert np.abs(difference).max() < close


@pytest.mark.spec("ASR-003", "is damaged")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_numbers_that_are_none_are_refused(value, tmp_path):
    soundfile = pytest.importorskip("soundfile", reason="an extra")
    values = np.zeros(100, np.float32)
    values[50] = value
    soundfile.write(tmp_path / "a.wav", values, 8000, subtype="FLOAT")
    with pytest.raises(InputError, match="no numbers or beyond"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.spec("ASR-004", "the sentence says what to type")
def test_without_soundfile_the_sentence_says_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(InputError, match=r"pip install soundfile$"):
        read_audio(b"fLaC" + bytes(100))


@pytest.mark.spec("ASR-005", "the samples of `read_audio` in blocks of bounded size")
@pytest.mark.parametrize("bits", [8, 16, 24])
def test_blocks_together_are_the_whole(bits, tmp_path):
    path = tmp_path / "a.wav"
    if bits == 24:
        soundfile = pytest.importorskip("soundfile", reason="an extra")
        soundfile.write(path, np.sin(np.arange(2500)), 1000, subtype="PCM_24")
    else:
        path.write_bytes(
            wav(ramp(2500) % 256 if bits == 8 else ramp(2500), rate=1000, bits=bits)
        )
    blocks = list(stream_audio(path, block_seconds=0.7))
    assert [len(block.waveform) for block in blocks] == [700, 700, 700, 400]
    whole = torch.cat([block.waveform for block in blocks])
    assert torch.equal(whole, read_audio(path).waveform)
    assert audio_info(path) == (1000, 2500)


@pytest.mark.spec("ASR-005", "in blocks of bounded size")
def test_a_long_file_of_eight_channels_takes_the_memory_of_a_block(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(read_module, "BLOCK_VALUES", 2**16)
    path = tmp_path / "long.wav"
    with open(path, "wb") as file:
        file.write(wav(np.zeros((0, 8)), length=2**25, rate=48000))
        file.truncate(2**25)
    tracemalloc.start()
    total = sum(len(block.waveform) for block in stream_audio(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 2**25 // 16 - 3  # the header is 44 bytes long
    assert peak < 2**20


def test_more_seconds_than_allowed_are_refused_before_they_are_read(tmp_path):
    path = tmp_path / "long.wav"
    path.write_bytes(wav(np.zeros(1000 * 95), rate=1000))
    with pytest.raises(InputError, match="longer than 60 s"):
        read_audio(path, max_seconds=60)
    assert len(read_audio(path, max_seconds=95).waveform) == 95_000
