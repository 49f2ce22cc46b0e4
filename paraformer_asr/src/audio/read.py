"""Any audio file as a mono waveform, whole or in blocks of bounded size."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.errors import InputError
from .wav import check_rate, read_blocks, read_header


Source = str | Path | bytes | BinaryIO
LOUDEST = 32768.0
"""Float files may go beyond 1; beyond this their numbers are damaged."""
BLOCK_VALUES = 2**24
"""Numbers in a block, whatever the header says of channels and rate: 64 MiB."""


class Audio(NamedTuple):
    """A mono waveform, in [-1, 1], and its samples per second."""

    waveform: Float[Tensor, " samples"]
    sample_rate: int


class AudioInfo(NamedTuple):
    """What a file holds, told without decoding it."""

    sample_rate: int
    samples: int


def read_audio(source: Source, max_seconds: float = float("inf")) -> Audio:
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


def stream_audio(source: Source, block_seconds: float = 30.0) -> Iterator[Audio]:
    """Yield mono blocks of `block_seconds` and a shorter last one; at least one.

    Holds one block at a time, whatever the length; many channels make it shorter.
    Raises as `read_audio` does.
    """
    name = _name(source)
    with _opened(source, name) as file:
        form = read_header(file, name)
        if form is not None and form.pcm:
            count = _frames(block_seconds, form.sample_rate, form.channels)
            yield from _mono(read_blocks(file, form, count), form.sample_rate, name)
            return
        with _sound(file, name) as sound:
            count = _frames(block_seconds, sound.samplerate, sound.channels)
            yield from _mono(_decode(sound, count, name), sound.samplerate, name)


def audio_info(source: Source) -> AudioInfo:
    """Sample rate and length from the header; raises as `read_audio` does."""
    name = _name(source)
    with _opened(source, name) as file:
        form = read_header(file, name)
        if form is not None and form.pcm:
            return AudioInfo(form.sample_rate, form.frames)
        with _sound(file, name) as sound:
            return AudioInfo(sound.samplerate, sound.frames)


def _frames(block_seconds: float, rate: int, channels: int) -> int:
    return max(1, min(int(block_seconds * rate), BLOCK_VALUES // channels))


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


@contextmanager
def _sound(file: BinaryIO, name: str):
    """What the standard library does not read, opened by libsndfile."""
    if file.seek(0, 2) == 0:
        raise InputError(f"{name}: the file is empty (0 bytes)")
    file.seek(0)
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: the package without its library
        raise InputError(
            f"{name}: not a WAV file of 8-bit or 16-bit PCM; anything else needs the "
            "package soundfile. Type: pip install soundfile"
        ) from None
    try:
        sound = soundfile.SoundFile(file)
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        said = getattr(error, "error_string", str(error))
        raise InputError(f"{name}: no audio that can be read: {said}") from None
    with sound:
        check_rate(sound.samplerate, name)
        yield sound


def _decode(sound, count: int, name: str) -> Iterator[np.ndarray]:
    import soundfile

    while True:
        try:
            block = sound.read(count, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            said = getattr(error, "error_string", str(error))
            raise InputError(f"{name}: damaged audio: {said}") from None
        if len(block) == 0:
            return
        yield block


@contextmanager
def _opened(source: Source, name: str) -> Iterator[BinaryIO]:
    """A seekable file; one that the caller opened stays open."""
    if isinstance(source, (str, Path)):
        try:
            file = open(source, "rb")
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            said = getattr(error, "strerror", None) or error
            raise InputError(f"{name}: cannot be opened: {said}") from None
        with file:
            yield _seekable(file)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield io.BytesIO(source)
    else:
        yield _seekable(source)


def _seekable(file: BinaryIO) -> BinaryIO:
    """The file itself, or all that comes out of a pipe."""
    try:
        file.seek(0, 2)
    except OSError:
        return io.BytesIO(file.read())
    return file


def _name(source: Source) -> str:
    if isinstance(source, (str, Path)):
        return str(source)
    name = getattr(source, "name", None)  # a number where a descriptor was opened
    return name if isinstance(name, str) else "the audio"
