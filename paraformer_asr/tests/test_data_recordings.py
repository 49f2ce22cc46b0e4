"""Waveforms of utterances: whole files, parts of them, and what is no recording."""

import os
from pathlib import Path

import pytest
import torch

from src.audio.read import read_audio
from src.audio.resample import resample
from src.data import recordings
from src.data.recordings import Recordings, read_part
from src.data.utterance import Utterance
from src.utils.errors import InputError
from tests.data_files import RATE, sound


@pytest.mark.spec("ASR-030", "no more than a bound is kept")
def test_memory_is_bounded(tmp_path):
    paths = [sound(tmp_path / f"{n}.wav", 1.0, n) for n in range(6)]
    listed = [Utterance(str(n), path, "a") for n, path in enumerate(paths)]
    few = Recordings(RATE, limit=3 * 4 * RATE)
    for _ in range(2):
        waves = [few[u] for u in listed]
        assert few.bytes == 3 * 4 * RATE
        assert [few.samples(u) for u in listed] == [RATE] * 6
    for wave, path in zip(waves, paths, strict=True):
        assert torch.equal(wave, read_audio(path).waveform)


@pytest.mark.spec("ASR-030", "Parts of a file")
def test_parts_of_a_file(tmp_path, monkeypatch):
    path = sound(tmp_path / "long.wav", 3.0)
    whole = read_audio(path).waveform
    spans = [(0.5, 1.25), (2.0, 0.0), (0.0, 0.1), (2.9, 3.4)]
    listed = [Utterance(f"{s}", path, "a", "", s, e) for s, e in spans]
    for limit in (600.0, 1.0):  # kept whole, or read in blocks
        monkeypatch.setattr(recordings, "LONGEST_KEPT", limit)
        kept = Recordings(RATE)
        for u, (s, e) in zip(listed, spans, strict=True):
            expected = whole[round(s * RATE) : round(e * RATE) if e else None]
            assert torch.equal(kept[u], expected)
            assert Recordings(RATE, limit=1).samples(u) == len(expected)
    assert len(read_part(path, 0.5, 0.75).waveform) == RATE // 4


@pytest.mark.spec("ASR-030", "ends more than half a second behind it, is refused")
@pytest.mark.parametrize(
    "start, end, words", [(5.0, 6.0, "begins at 5 s"), (2.0, 3.6, "ends at 3.6 s")]
)
@pytest.mark.parametrize("longest_kept", [600.0, 1.0])
def test_a_part_behind_the_end_of_its_file_is_refused(
    tmp_path, monkeypatch, start, end, words, longest_kept
):
    """Its words are not what is heard there."""
    monkeypatch.setattr(recordings, "LONGEST_KEPT", longest_kept)
    part = Utterance("x", sound(tmp_path / "long.wav", 3.0), "a", "", start, end)
    with pytest.raises(InputError, match=rf"{words}, but there are only 3\.00 s"):
        Recordings(RATE)[part]
    with pytest.raises(InputError, match=words):
        Recordings(RATE, limit=1).samples(part)


def test_a_part_may_lie_in_any_block_of_its_file(tmp_path):
    path = sound(tmp_path / "long.wav", 62.0)
    whole = read_audio(path).waveform
    for start, end in ((29.5, 30.5), (31.0, 33.0), (59.0, 61.5), (61.0, 0.0)):
        expected = whole[round(start * RATE) : round(end * RATE) if end else None]
        assert torch.equal(read_part(path, start, end).waveform, expected)


@pytest.mark.parametrize("limit", [600.0, 1.0])
def test_a_part_of_a_file_of_another_rate(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(recordings, "LONGEST_KEPT", limit)
    path = sound(tmp_path / "a.wav", 2.0, rate=2 * RATE)
    part = read_audio(path).waveform[RATE : 3 * RATE]
    found = Recordings(RATE)[Utterance("a", path, "a", "", 0.5, 1.5)]
    assert torch.equal(found, resample(part, 2 * RATE, RATE))


def test_large_files_are_not_decoded_to_be_measured(tmp_path, monkeypatch):
    path = sound(tmp_path / "long.wav", 3.0)
    monkeypatch.setattr(recordings, "LARGE", 1000)
    kept = Recordings(RATE)
    assert kept.samples(Utterance("a", path, "a")) == 3 * RATE
    assert kept.samples(Utterance("a", path, "a", "", 1.0, 2.5)) == 1.5 * RATE
    assert kept.bytes == 0


@pytest.mark.spec("ASR-033", "that cannot be read")
def test_a_pipe_is_no_recording(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    for path in (tmp_path / "pipe.wav", Path("/dev/zero")):
        utterance = Utterance("a", path, "a")
        with pytest.raises(InputError, match="a pipe or device, not a file"):
            Recordings(RATE).samples(utterance)
        with pytest.raises(InputError, match="a pipe or device, not a file"):
            Recordings(RATE)[utterance]


def test_files_of_another_rate_are_counted_once(tmp_path, monkeypatch):
    paths = [sound(tmp_path / f"{n}.wav", 0.4, n, 2 * RATE) for n in range(3)]
    listed = [Utterance(str(n), path, "a") for n, path in enumerate(paths)]
    kept = Recordings(RATE, limit=1)
    for _ in range(2):
        assert [len(kept[u]) for u in listed] == [0.4 * RATE] * 3
    assert kept.resampled == {2 * RATE: 3}
    monkeypatch.setattr(recordings, "LARGE", 1000)
    by_header = Recordings(RATE)
    assert [by_header.samples(u) for u in listed] == [0.4 * RATE] * 3
    assert (by_header.bytes, by_header.resampled) == (0, {2 * RATE: 3})
