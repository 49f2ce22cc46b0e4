"""Audio files: exactly the samples that are there, or one sentence."""

import io
import os
import sys
import tracemalloc
import wave

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.audio import audio_info, read_audio, write_wav
from src.audio.wav import EXTENSIBLE, PCM_SUBFORMAT, RATES
from src.utils.errors import InputError
from tests.audio_files import chunk, fmt, ramp, riff, wav


def samples(source) -> list[float]:
    return (read_audio(source).waveform.double() * 32768).tolist()


@pytest.fixture
def without_soundfile(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)


@pytest.mark.spec("ASR-001", "from a path, bytes or an open file")
def test_a_path_its_bytes_and_the_open_file_give_the_same_samples(tmp_path):
    path, values = tmp_path / "a.wav", ramp(1001)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 11025, 0, "NONE", ""))
        file.writeframes(values.astype("<i2").tobytes())
    for source in (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes())):
        assert samples(source) == values.tolist()
        assert read_audio(source).sample_rate == 11025
    with open(path, "rb") as file:
        file.seek(7)
        assert samples(file) == values.tolist()
        assert not file.closed


@pytest.mark.parametrize("by_name", [False, True])
def test_a_pipe_is_read_to_its_end(by_name):
    reader, writer = os.pipe()
    with open(writer, "wb") as file:
        file.write(wav(ramp(50)))
    with open(reader, "rb") as file:
        source = f"/dev/fd/{reader}" if by_name else file
        assert samples(source) == ramp(50).tolist()


@pytest.mark.spec("ASR-001", "exactly their samples, several channels averaged")
@pytest.mark.parametrize("channels", [1, 2, 3, 5, 8])
def test_channels_are_averaged(channels):
    values = ramp(37, channels)
    wanted = values.reshape(37, -1).mean(1)
    assert samples(wav(values)) == pytest.approx(wanted, abs=0.01)


@pytest.mark.spec("ASR-001", "16-bit or 8-bit PCM are read without any other package")
def test_8_bits_are_unsigned(without_soundfile):
    found = read_audio(wav(np.array([0, 128, 255]), bits=8)).waveform
    assert found.tolist() == [-1.0, 0.0, 127 / 128]
    assert samples(wav(ramp(9))) == ramp(9).tolist()


VARIANTS = {
    "extensible": wav(ramp(20), code=EXTENSIBLE),
    "list first": riff(chunk(b"LIST", b"odd"), fmt(), chunk(b"data", b"\1\2" * 20)),
    "longer format": riff(
        chunk(b"fmt ", fmt()[8:] + b"\0\0"), chunk(b"data", b"\1\2" * 20)
    ),
    "list behind": riff(fmt(), chunk(b"data", b"\1\2" * 20), chunk(b"LIST", b"abcd")),
}


@pytest.mark.spec("ASR-001", "WAVE_FORMAT_EXTENSIBLE and chunks before the samples")
@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_of_the_header_is_read(variant, without_soundfile):
    wanted = ramp(20).tolist() if variant == "extensible" else [513.0] * 20
    assert samples(VARIANTS[variant]) == wanted


def test_a_code_that_is_extended_to_another_is_no_pcm(without_soundfile):
    a_law = b"\6" + PCM_SUBFORMAT[1:]
    with pytest.raises(InputError, match="pip install soundfile"):
        read_audio(wav(np.arange(99), bits=8, code=EXTENSIBLE, sub=a_law))


@pytest.mark.spec("ASR-001", "no samples too")
def test_no_samples_are_an_empty_waveform(tmp_path):
    for source in (wav(ramp(0)), riff(fmt(2), chunk(b"data", b"\1"))):
        audio = read_audio(source)
        assert audio.waveform.shape == (0,) and audio.sample_rate == 8000
    write_wav(tmp_path / "none.wav", torch.zeros(0), 16000)
    assert read_audio(tmp_path / "none.wav").waveform.shape == (0,)


@pytest.mark.spec("ASR-001", "`write_wav` gives the same 16-bit samples back")
def test_what_is_written_is_read(tmp_path):
    waveform = torch.from_numpy(ramp(4001) / 32768).float()
    write_wav(tmp_path / "a.wav", waveform, 8000)
    assert torch.equal(read_audio(tmp_path / "a.wav").waveform, waveform)
    write_wav(tmp_path / "b.wav", torch.tensor([2.0, -2.0, float("inf")]), 8000)
    assert samples(tmp_path / "b.wav") == [32767, -32768, 32767]
    with pytest.raises(ValueError, match="not numbers"):
        write_wav(tmp_path / "c.wav", torch.tensor([float("nan")]), 8000)


@pytest.mark.spec("ASR-002", "never allocates more than the file")
@pytest.mark.parametrize("said", [41, 2**20, 2**31 - 1, 2**32 - 1])
def test_a_lying_length_allocates_nothing(said):
    data = wav(ramp(20), length=said, rate=384_000)
    tracemalloc.start()
    found = samples(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == ramp(20).tolist()
    assert peak < 100_000


@pytest.mark.spec("ASR-002", "up to the last whole sample")
@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_that_was_cut_off_ends_with_its_last_whole_sample(channels):
    data, values = wav(ramp(10, channels)), ramp(10, channels).reshape(10, -1)
    for cut in range(1, 20 * channels):
        wanted = values[: (20 * channels - cut) // (2 * channels)].mean(1)
        assert samples(data[:-cut]) == pytest.approx(wanted, abs=0.01)


@pytest.mark.spec("ASR-002", "a recorder's header that was never completed")
def test_a_header_that_was_never_completed_has_all_samples():
    body = chunk(b"data", ramp(10).astype("<i2").tobytes(), length=0)
    assert samples(riff(fmt(), body, length=36)) == ramp(10).tolist()
    assert samples(riff(fmt(), body, length=0)) == ramp(10).tolist()
    assert samples(riff(fmt(), chunk(b"data", b""), chunk(b"LIST", b"abcd"))) == []


NO_AUDIO = {
    "empty": (b"", "empty"),
    "text": (b"zero one two three\n" * 20, "no audio"),
    "zeros": (bytes(500), "no audio"),
    "header cut": (wav(ramp(9))[:30], "cut off"),
    "ends early": (wav(ramp(9))[:40], "without samples"),
    "format cut": (riff(chunk(b"fmt ", b"\1\0\1\0")), "cut off"),
    "no data": (riff(fmt()), "without samples"),
    "data first": (riff(chunk(b"data", b"\1\2"), fmt()), "before their format"),
    "no channels": (riff(fmt(0), chunk(b"data", b"\1\2")), "0 channels"),
    "rate 0": (wav(ramp(9), rate=0), "0 samples a second"),
    "rate 4e9": (wav(ramp(9), rate=2**32 - 1), "4294967295 samples a second"),
    "unknown code": (wav(ramp(9), code=0x9999), "no audio"),
    "bits": (wav(ramp(9), bits=77), "no audio"),
    "chunks": (
        riff(*[chunk(b"junk", b"")] * 2000, fmt(), chunk(b"data", b"")),
        "without samples",
    ),
}


@pytest.mark.spec("ASR-003", "an InputError of one sentence that names the file")
@pytest.mark.parametrize("case", NO_AUDIO)
def test_what_is_no_audio_is_one_sentence(case, tmp_path):
    pytest.importorskip("soundfile", reason="words of libsndfile")
    data, words = NO_AUDIO[case]
    path = tmp_path / "speech.wav"
    path.write_bytes(data)
    for ask in (read_audio, audio_info):
        with pytest.raises(InputError, match=words) as told:
            ask(path)
        assert str(told.value).startswith(f"{path}: ")
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("path", ["no_such.wav", ".", "a\0b", "x" * 300])
def test_a_path_that_cannot_be_opened_is_one_sentence(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="cannot be opened"):
        read_audio(path)


@pytest.mark.spec("ASR-003", "no bytes whatever give another exception")
@given(data=st.data())
def test_no_change_of_a_file_gives_another_exception(data):
    original = bytearray(data.draw(st.sampled_from([*VARIANTS.values(), b"RIFF"])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(original) - 1))
        original[place] = data.draw(st.integers(0, 255))
    changed = bytes(original[: data.draw(st.integers(0, len(original)))])
    try:
        audio = read_audio(changed)
    except InputError:
        return
    assert audio.sample_rate in RATES
    assert len(audio.waveform) <= len(changed)
    assert audio.waveform.isfinite().all()
