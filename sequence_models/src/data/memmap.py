"""Token ids on disk, far more of them than fit into memory.

One file: 16 bytes of magic, 8 of the header's length, the header as JSON (how many ids,
of which type, by which tokenizer, a checksum), then the ids, little endian, at a
multiple of 4096. Opening reads the header and both ends; a window reads its own pages.
"""

import hashlib
import json
import mmap
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ..tokenizers import from_dict
from ..utils.atomic import is_disk_full
from ..utils.errors import FaultError, InputError


MAGIC = b"sequence tokens1"
PAGE = 4096
ENDS = 1 << 20
"""Bytes of ids at either end that the checksum covers, with the tokenizer."""

_TYPES = {"uint16": np.dtype("<u2"), "uint32": np.dtype("<u4")}


class TokenFile(np.memmap):
    """Ids that stay on disk, also when a part of them goes to another process."""

    def __reduce__(self):
        if self._mmap is None or self.strides != (self.itemsize,):
            return np.asarray(self).__reduce__()
        begin = self.offset - self.offset % mmap.ALLOCATIONGRANULARITY
        address = np.frombuffer(self._mmap, np.uint8).ctypes.data
        offset = begin + self.ctypes.data - address
        return _map, (str(self.filename), self.dtype.str, offset, len(self))


class StoredTokens(NamedTuple):
    """A file of tokens: the ids, the tokenizer's `to_dict`, the checksum of both."""

    tokens: TokenFile
    tokenizer: dict[str, Any]
    checksum: str


def write_tokens(
    path: str | Path, chunks: Iterable[Any], tokenizer: dict[str, Any]
) -> int:
    """Write the ids of all chunks, one after another; returns how many.

    Whole or not at all: where a chunk raises, or the process is killed, what was at
    `path` is still there. `tokenizer` is what its `to_dict` gives; ids that it does not
    have raise ValueError.
    """
    path = Path(path)
    vocabulary = from_dict(tokenizer).vocab_size
    kind = "uint16" if vocabulary <= 1 << 16 else "uint32"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w+b") as file:
            start = _write_header(file, 0, kind, "0" * 64, tokenizer)
            count = 0
            for chunk in chunks:
                ids = _checked(chunk, vocabulary)
                file.write(ids.astype(_TYPES[kind]))
                count += len(ids)
            if not count:
                raise InputError(f"{path}: there are no tokens to write")
            sha = _checksum(file, start, count * _TYPES[kind].itemsize, tokenizer)
            _write_header(file, count, kind, sha, tokenizer)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        if is_disk_full(error):
            raise FaultError(f"disk full while writing {path}") from None
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        temporary.unlink(missing_ok=True)
    return count


def open_tokens(path: str | Path) -> StoredTokens:
    """The tokens without reading them; InputError for a foreign or a cut file."""
    path = Path(path)
    try:
        with open(path, "rb") as file:
            header, start = _read_header(file, path)
            dtype = _TYPES[header["dtype"]]
            size, length = os.fstat(file.fileno()).st_size, header["count"]
            if size != start + length * dtype.itemsize:
                raise InputError(
                    f"{path}: holds {size - start} bytes of tokens, its header "
                    f"announces {length * dtype.itemsize}; the file is cut or was "
                    "changed, write it again"
                )
            found = _checksum(file, start, size - start, header["tokenizer"])
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if found != header["sha256"]:
        raise InputError(f"{path}: the checksum is wrong; write the file again")
    tokens = _map(str(path), dtype.str, start, length)
    return StoredTokens(tokens, header["tokenizer"], found)


def _map(path: str, dtype: str, offset: int, count: int) -> TokenFile:
    tokens = TokenFile(path, np.dtype(dtype), "r", offset, (count,))
    if hasattr(mmap, "MADV_RANDOM"):
        # Else the system reads ahead, up to megabytes for each window of a kilobyte.
        tokens._mmap.madvise(mmap.MADV_RANDOM)
    return tokens


def _sync_folder(folder: Path) -> None:
    """Let a power cut not undo the renaming."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        os.fsync(number)
        os.close(number)


def _checked(chunk: Any, vocabulary: int) -> np.ndarray:
    ids = np.asarray(chunk)
    if ids.size and not (ids.ndim == 1 and ids.dtype.kind in "iu"):
        raise ValueError(f"a chunk is {ids.dtype} {ids.shape}; one axis of ids")
    if ids.size and not 0 <= ids.min() <= ids.max() < vocabulary:
        raise ValueError(
            f"ids from {ids.min()} to {ids.max()}; the tokenizer has 0 to "
            f"{vocabulary - 1}"
        )
    return ids


def _write_header(
    file: BinaryIO, count: int, kind: str, sha: str, tokenizer: dict[str, Any]
) -> int:
    """Leaves the file behind the header; its length does not depend on the values."""
    header = {"dtype": kind, "sha256": sha, "count": count, "tokenizer": tokenizer}
    data = json.dumps(header).encode()
    # Room for the digits that the count will have.
    length = -(-(24 + len(data) - len(str(count)) + 20) // PAGE) * PAGE
    file.seek(0)
    file.write(MAGIC + struct.pack("<Q", length - 24) + data.ljust(length - 24))
    return length


def _read_header(file: BinaryIO, path: Path) -> tuple[dict[str, Any], int]:
    head = file.read(24)
    if head[:16] != MAGIC:
        raise InputError(
            f"{path}: is not a file of tokens (it begins with {head[:16]!r}); write "
            "one with scripts/tokenizer.py"
        )
    size = os.fstat(file.fileno()).st_size
    length = struct.unpack("<Q", head[16:])[0] if len(head) == 24 else size
    if length > size - 24:
        raise InputError(f"{path}: ends inside its header; write it again")
    try:
        header = json.loads(file.read(length))
        dtype, count = header["dtype"], header["count"]
        known = dtype in _TYPES and type(count) is int and count > 0
        known = known and isinstance(header["tokenizer"], dict)
        known = known and isinstance(header["sha256"], str)
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise InputError(f"{path}: its header is damaged; write the file again")
    return header, 24 + length


def _checksum(file: BinaryIO, start: int, size: int, tokenizer: dict[str, Any]) -> str:
    """Of the first and the last ENDS bytes of ids, their size and the tokenizer."""
    digest = hashlib.sha256(json.dumps([size, tokenizer]).encode())
    for place in (start, max(start, start + size - ENDS)):
        file.seek(place)
        digest.update(file.read(min(ENDS, size)))
    return digest.hexdigest()
