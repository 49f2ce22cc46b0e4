"""A text file piece by piece, for texts larger than memory."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from ..utils.errors import InputError
from .presplit import last_boundary


BLOCK = 1 << 20
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # the byte order marks of files in that code


def stream_text(path: str | Path, size: int = BLOCK) -> Iterator[str]:
    """A text file in pieces of about `size` bytes, cut where no BPE chunk is cut.

    So the ids of the pieces are the ids of the whole text. Only a stretch without
    letters makes a piece grow. Raises InputError as `read_blocks` does.
    """
    kept: list[str] = []
    for text in read_blocks(path, size):
        cut = last_boundary(text)
        if cut:
            yield "".join([*kept, text[:cut]])
            kept = []
        kept.append(text[cut:])
    if rest := "".join(kept):
        yield rest


def read_blocks(
    path: str | Path, size: int = BLOCK, *, may_be_empty: bool = False
) -> Iterator[str]:
    """A UTF-8 file, `size` bytes at a time.

    A byte order mark is left out, line ends stay as they are. Raises InputError if the
    file is missing, empty or, by line and byte, not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    done = lines = 0
    some = False
    try:
        with open(path, "rb") as file:
            while block := file.read(size):
                done += len(block)
                text = decoder.decode(block)
                some |= bool(text)
                yield text
                lines += block.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}:{_place(error, done, lines)}") from None
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; name a text file") from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); name a text file"
        ) from None
    if not (some or may_be_empty):
        raise InputError(f"{path}: is empty ({done} bytes); give a file with text")


def _place(error: UnicodeDecodeError, done: int, lines: int) -> str:
    # What the decoder was given ends at `done`. It began with some bytes of the block
    # before, none of them a line end, or behind a byte order mark.
    where = done - len(error.object) + error.start
    line = lines + error.object.count(b"\n", 0, error.start) + 1
    seems = " (the file seems to be UTF-16)" if error.object[:2] in UTF_16 else ""
    return (
        f"{line}: byte {error.object[error.start]:02x} at offset {where} is not "
        f"UTF-8{seems}; save the file as UTF-8"
    )
