"""WAV files made byte by byte, right and wrong."""

import struct

import numpy as np

from src.audio.wav import EXTENSIBLE, PCM, PCM_SUBFORMAT


def chunk(kind: bytes, data: bytes, length: int | None = None) -> bytes:
    """One RIFF chunk, padded to an even size; `length` is what its header says."""
    said = len(data) if length is None else length
    return struct.pack("<4sI", kind, said) + data + b"\0" * (len(data) % 2)


def riff(*chunks: bytes, length: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return struct.pack("<4sI", b"RIFF", len(body) if length is None else length) + body


def fmt(
    channels: int = 1,
    rate: int = 8000,
    bits: int = 16,
    code: int = PCM,
    sub: bytes = PCM_SUBFORMAT,
) -> bytes:
    width = channels * bits // 8 % 65536
    data = struct.pack("<HHIIHH", code, channels, rate, 0, width, bits)
    if code == EXTENSIBLE:
        data += struct.pack("<HHI", 22, bits, 0) + sub
    return chunk(b"fmt ", data)


def wav(values: np.ndarray, length: int | None = None, **format) -> bytes:
    """A file of (frames,) or (frames, channels) integers."""
    values = np.asarray(values)
    channels = 1 if values.ndim == 1 else values.shape[1]
    kind = "u1" if format.get("bits") == 8 else "<i2"
    data = chunk(b"data", values.astype(kind).tobytes(), length)
    return riff(fmt(channels, **format), data)


def ramp(count: int, channels: int = 1) -> np.ndarray:
    """Distinct 16-bit values, both extremes among them."""
    values = np.linspace(-32768, 32767, count * channels).round().astype(np.int64)
    return values.reshape(count, channels) if channels > 1 else values
