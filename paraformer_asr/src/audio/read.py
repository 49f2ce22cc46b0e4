"""Any audio file as a mono waveform, whole or in blocks of bounded size."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.errors import InputError
from .resample import Resampler
from .wav import RATES, read_blocks, read_header


LOUDEST = 32768.0
"""Float files may go beyond 1; beyond this their numbers are damaged."""


class Audio(NamedTuple):
    """A mono waveform, in [-1, 1], and its samples per second."""

    waveform: Float[Tensor, " samples"]
    sample_rate: int


def read_audio(
    source: str | Path | bytes | BinaryIO, max_seconds: float = float("inf")
) -> Audio:
    """Read a file, its bytes or an open file; several channels are averaged.

    16-bit and 8-bit PCM WAV need nothing else; FLAC, MP3, OGG, 24-bit and float need
    the extra `soundfile`. Raises InputError for what is no audio and for more than
    `max_seconds` of it. No samples is fine.
    """
    blocks, rate, seconds = [], 0, 0.0
    for block in stream_audio(source):
        blocks.append(block.waveform)
        rate = block.sample_rate
        seconds += len(block.waveform) / rate
        if seconds > max_seconds:
            raise InputError(
                f"{_name(source)}: longer than {max_seconds:g} s, the most that is "
                "read at once. Cut it, or raise the limit"
            )
    return Audio(torch.cat(blocks), rate)


def stream_audio(
    source: str | Path | bytes | BinaryIO, block_seconds: float = 30.0
) -> Iterator[Audio]:
    """Yield mono blocks of `block_seconds` and a shorter last one; at least one.

    Holds one block at a time, whatever the length. Raises as `read_audio` does.
    """
    name = _name(source)
    with _opened(source, name) as file:
        form = read_header(file, name)
        if form is not None and form.pcm:
            count = max(1, int(block_seconds * form.sample_rate))
            yield from _mono(read_blocks(file, form, count), form.sample_rate, name)
        else:
            file.seek(0)
            yield from _decode(file, block_seconds, name)


def resample_blocks(blocks: Iterable[Audio], new_rate: int) -> Iterator[Audio]:
    """The same sound at `new_rate`: together equal to `resample` of the whole."""
    resampler = None
    for block in blocks:
        if block.sample_rate == new_rate:
            yield block
            continue
        resampler = resampler or Resampler(block.sample_rate, new_rate)
        yield Audio(resampler.push(block.waveform), new_rate)
    if resampler is not None:
        yield Audio(resampler.finish(), new_rate)


def _mono(blocks: Iterator[np.ndarray], rate: int, name: str) -> Iterator[Audio]:
    given = False
    for block in blocks:
        values = block[:, 0] if block.shape[1] == 1 else block.mean(1)
        if not np.all(np.abs(values) <= LOUDEST):
            raise InputError(
                f"{name}: has samples that are no numbers or beyond {LOUDEST:g}. "
                "Convert it to 16-bit PCM"
            )
        given = True
        yield Audio(torch.from_numpy(np.ascontiguousarray(values)), rate)
    if not given:
        yield Audio(torch.zeros(0), rate)


def _decode(file: BinaryIO, block_seconds: float, name: str) -> Iterator[Audio]:
    """What the standard library does not read, by libsndfile."""
    if file.seek(0, 2) == 0:
        raise InputError(f"{name}: the file is empty (0 bytes)")
    file.seek(0)
    try:
        import soundfile
    except ImportError:
        raise InputError(
            f"{name}: only 8-bit and 16-bit PCM WAV is read without the package "
            "soundfile. Type: pip install soundfile"
        ) from None
    try:
        sound = soundfile.SoundFile(file)
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        raise InputError(f"{name}: not an audio file: {error}") from None
    with sound:
        if sound.samplerate not in RATES:
            raise InputError(
                f"{name}: the header says {sound.samplerate} samples a second; "
                f"{RATES[0]} to {RATES[-1]} can be read"
            )
        count = max(1, int(block_seconds * sound.samplerate))
        yield from _mono(_sound_blocks(sound, count, name), sound.samplerate, name)


def _sound_blocks(sound, count: int, name: str) -> Iterator[np.ndarray]:
    import soundfile

    while True:
        try:
            block = sound.read(count, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise InputError(f"{name}: damaged audio: {error}") from None
        if len(block) == 0:
            return
        yield block


@contextmanager
def _opened(source: str | Path | bytes | BinaryIO, name: str) -> Iterator[BinaryIO]:
    """A seekable file; one that the caller opened stays open."""
    if isinstance(source, (str, Path)):
        try:
            file = open(source, "rb")
        except OSError as error:
            raise InputError(f"{name}: {error.strerror or error}") from None
        with file:
            yield file
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield io.BytesIO(source)
    else:
        yield source if source.seekable() else io.BytesIO(source.read())


def _name(source: str | Path | bytes | BinaryIO) -> str:
    if isinstance(source, (str, Path)):
        return str(source)
    return str(getattr(source, "name", "") or "the audio given")
