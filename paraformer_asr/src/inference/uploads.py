"""From the bytes of an upload to a waveform, within the limits.

What a client sends is believed nowhere: neither its name nor its type, nor the length
in its header. It is read from an unnamed temporary file, block by block, and counted.
"""

from collections.abc import Callable
from typing import BinaryIO

import torch

from ..audio.read import Audio, stream_audio
from ..utils.errors import InputError


HEADS = {
    b"RIFF": "WAV",
    b"RF64": "WAV",
    b"riff": "WAV (W64)",
    b"fLaC": "FLAC",
    b"OggS": "OGG",
    b"ID3": "MP3",
    b"FORM": "AIFF",
    b".snd": "AU",
    b"caff": "CAF",
}
"""How the files begin that are tried; MP3 without tags begins with 11 bits set."""
OTHERS = {b"\x1aE\xdf\xa3": "WebM or Matroska", b"ftyp": "MP4 or M4A"}
HIGHEST = 48_000
"""Samples per second up to which the limit of seconds alone counts."""


class UploadError(InputError):
    """Why audio is not taken: a sentence, and HTTP's number for it (400, 413, 415)."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def read_upload(
    file: BinaryIO, max_seconds: float, go_on: Callable[[], None] = lambda: None
) -> Audio:
    """Decode `file`; raises UploadError.

    `go_on` is called once a second of audio and may raise: a small file can take long.
    """
    file.seek(0)
    _check_head(file.read(16))
    file.seek(0)
    blocks, count, rate = [], 0, 1
    try:
        for block in stream_audio(file, block_seconds=1.0):
            go_on()
            rate = block.sample_rate
            count += len(block.waveform)
            if count > max_seconds * min(rate, HIGHEST):
                raise UploadError(413, _too_long(max_seconds, rate))
            blocks.append(block.waveform)
    except UploadError:
        raise
    except InputError as error:
        raise UploadError(400, str(error)) from None
    if count == 0:
        raise UploadError(400, "the audio is empty: it has no samples")
    return Audio(torch.cat(blocks), rate)


def _check_head(head: bytes) -> None:
    if not head:
        raise UploadError(400, "the file is empty (0 bytes)")
    mp3 = len(head) > 1 and head[0] == 0xFF and head[1] >= 0xE0
    if mp3 or any(head.startswith(known) for known in HEADS):
        return
    other = next((name for mark, name in OTHERS.items() if mark in head[:12]), "")
    what = f"{other} is not read here" if other else "this is no audio file"
    kinds = "WAV, FLAC, OGG, MP3, AIFF, AU or CAF"
    raise UploadError(
        415,
        f"{what}: send {kinds}. ffmpeg converts other audio: "
        "ffmpeg -i INPUT -ar 16000 -ac 1 OUTPUT.wav",
    )


def _too_long(max_seconds: float, rate: int) -> str:
    most = f"the audio is longer than {max_seconds:g} s, the limit"
    if rate > HIGHEST:
        most += f" (counted as {HIGHEST} samples a second)"
    return f"{most}: cut it into parts"
