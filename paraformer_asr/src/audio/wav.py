"""RIFF/WAVE files of 8-bit or 16-bit PCM, read and written byte by byte.

`wave` of Python 3.11 refuses WAVE_FORMAT_EXTENSIBLE and believes the sizes in a header;
here a size is only ever believed as far as there are bytes.
"""

import io
import struct
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract
from ..utils.errors import InputError


PCM, EXTENSIBLE = 1, 0xFFFE
PCM_SUBFORMAT = bytes.fromhex("0100000000001000800000aa00389b71")
RATES = range(1000, 384_001)
"""Sample rates in Hz that are believed; beyond them a header lies or is damaged."""
MOST_CHUNKS = 1000
"""Chunks looked at before the samples; a file of empty ones would take for ever."""


class WavFormat(NamedTuple):
    """What the header of a WAV file says, and how many samples there really are."""

    sample_rate: int
    channels: int
    bits: int
    pcm: bool
    frames: int  # samples per channel, present in the file
    start: int  # of the samples, in bytes


@contract
def write_wav(path: str | Path, waveform: Float[Tensor, " samples"], rate: int) -> None:
    """Write mono 16-bit PCM; what lies beyond [-1, 1] is cut off, NaN is refused."""
    if bool(waveform.isnan().any()):
        raise ValueError(f"{path}: the waveform has samples that are not numbers")
    Path(path).write_bytes(wav_bytes(waveform, rate))


@contract
def wav_bytes(waveform: Float[Tensor, " samples"], rate: int) -> bytes:
    """The same file as bytes."""
    values = waveform.detach().cpu().numpy()
    scaled = np.clip(np.rint(values * 32768.0), -32768, 32767)
    raw = io.BytesIO()
    with wave.open(raw, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(scaled.astype("<i2").tobytes())
    return raw.getvalue()


def read_header(file: BinaryIO, name: str) -> WavFormat | None:
    """The format of a RIFF/WAVE file; None where it is some other kind of file.

    Raises InputError where the file says WAVE but cannot be read as such.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    known, place = None, 12
    riff_end = 8 + struct.unpack("<I", head[4:8])[0]
    for _ in range(MOST_CHUNKS):
        if place + 8 > size:
            break
        file.seek(place)
        kind, length = struct.unpack("<4sI", file.read(8))
        place += 8
        if kind == b"fmt ":
            known = _read_format(file.read(min(length, 40)), name)
        if kind == b"data":
            if known is None:
                raise InputError(f"{name}: the samples come before their format")
            if length == 0 and riff_end <= place:  # a recorder that was interrupted
                length = size - place
            return _with_samples(known, place, min(length, size - place))
        place += length + length % 2
    raise InputError(
        f"{name}: a WAV file of {size} bytes without samples (a `data` chunk). "
        "Copy or record it again"
    )


def read_blocks(file: BinaryIO, form: WavFormat, count: int) -> Iterator[np.ndarray]:
    """Blocks of (frames, channels) in [-1, 1), `count` frames each but the last."""
    file.seek(form.start)
    left, width = form.frames, form.channels * form.bits // 8
    while left > 0:
        data = file.read(min(count, left) * width)
        left -= count
        if form.bits == 8:
            values = (np.frombuffer(data, "u1").astype(np.float32) - 128) / 128
        else:
            values = np.frombuffer(data, "<i2").astype(np.float32) / 32768
        yield values.reshape(-1, form.channels)


def check_rate(rate: int, name: str) -> None:
    """InputError for a sample rate that no recorder has."""
    if rate not in RATES:
        raise InputError(
            f"{name}: the header says {rate} samples a second; "
            f"{RATES[0]} to {RATES[-1]} can be read"
        )


def _read_format(data: bytes, name: str) -> WavFormat:
    if len(data) < 16:
        raise InputError(f"{name}: the header of the WAV file is cut off")
    code, channels, rate, _, _, bits = struct.unpack("<HHIIHH", data[:16])
    if code == EXTENSIBLE and data[24:40] == PCM_SUBFORMAT:
        code = PCM
    if channels == 0:
        raise InputError(f"{name}: the header says 0 channels; there must be 1 or more")
    check_rate(rate, name)
    return WavFormat(rate, channels, bits, code == PCM and bits in (8, 16), 0, 0)


def _with_samples(form: WavFormat, start: int, length: int) -> WavFormat:
    """Whole frames only: a file that was cut off ends with its last whole one."""
    frames = length // (form.channels * form.bits // 8) if form.pcm else 0
    return form._replace(frames=frames, start=start)
