"""A text file piece by piece, for texts larger than memory."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from ..utils.errors import InputError
from .presplit import last_boundary


BLOCK = 1 << 20


def stream_text(path: str | Path, size: int = BLOCK) -> Iterator[str]:
    """A UTF-8 file in pieces of about `size` bytes, cut where no BPE chunk is cut.

    So the ids of the pieces are the ids of the whole text. A byte order mark is left
    out, line ends stay as they are. Only a stretch without letters makes a piece grow.
    Raises InputError if the file is missing, empty or, by its byte, not UTF-8.
    """
    kept: list[str] = []
    for text in _blocks(Path(path), size):
        cut = last_boundary(text)
        if cut:
            yield "".join([*kept, text[:cut]])
            kept = []
        kept.append(text[cut:])
    if rest := "".join(kept):
        yield rest


def _blocks(path: Path, size: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    done = 0
    try:
        with open(path, "rb") as file:
            while block := file.read(size):
                done += len(block)
                yield decoder.decode(block)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        # What the decoder was given ends at `done`; it may have kept some bytes before.
        where, byte = done - len(error.object) + error.start, error.object[error.start]
        raise InputError(
            f"{path}: byte {byte:02x} at offset {where} is not UTF-8 ({error.reason}); "
            "save the file as UTF-8"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Name a text file") from None
    if not done:
        raise InputError(f"{path} is empty: there is no text in it. Name another file")
