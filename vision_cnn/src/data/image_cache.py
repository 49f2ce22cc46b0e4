"""Decoded images kept as one memory-mapped .npy, with a .json of what they are.

The .json is written last and holds the checksum of the .npy, so that a cache is whole,
or absent: a damaged one, and one of other files, are made anew.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from ..utils.atomic import is_disk_full, write_atomically
from ..utils.contracts import contract
from ..utils.errors import FaultError, InputError
from .names import show


try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

BLOCK = 2**22


class Paths(NamedTuple):
    """The two files of a cache."""

    images: Path
    notes: Path


class ImageRows:
    """Some rows of an array of uint8 images, which may be a mapped .npy."""

    def __init__(self, pixels: np.ndarray, rows: Tensor):
        self.pixels, self.rows = pixels, rows

    def __len__(self) -> int:
        return len(self.rows)

    @contract
    def __getitem__(
        self, indices: Int[Tensor, " batch"]
    ) -> UInt8[Tensor, "batch channel height width"]:
        """A copy of these images."""
        return torch.from_numpy(np.asarray(self.pixels)[self.rows[indices].numpy()])

    def __getstate__(self) -> dict[str, Any]:
        """A worker opens the file itself; pickled, a map would travel as pixels."""
        mapped = isinstance(self.pixels, np.memmap)
        pixels = self.pixels.filename if mapped else self.pixels
        return {"pixels": pixels, "rows": self.rows}

    def __setstate__(self, state: dict[str, Any]) -> None:
        pixels = state["pixels"]
        self.pixels = map_images(pixels) if isinstance(pixels, Path) else pixels
        self.rows = state["rows"]


def map_images(path: Path) -> np.ndarray:
    """The array in a .npy, read from the disk where it is looked at."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def cache_paths(folder: Path, key: str) -> Paths:
    stem = f"images-{key[:16]}"
    return Paths(folder / f"{stem}.npy", folder / f"{stem}.json")


def read_notes(paths: Paths, key: str) -> dict[str, Any] | None:
    """What `write_cache` was given; None if absent, damaged or under another key."""
    try:
        digest, _, body = paths.notes.read_bytes().partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        kept = json.loads(body)
        if kept["key"] != key or kept["checksum"] != _checksum(paths.images):
            return None
        return kept["notes"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_cache(
    paths: Paths, key: str, images: Iterable[np.ndarray], notes: dict[str, Any]
) -> None:
    """Write uint8 images of one size as they come, then the notes.

    `notes` may be filled while the images are drawn. Raises InputError, FaultError.
    """
    temporary = paths.images.with_name(f".{paths.images.name}.{os.getpid()}.tmp")
    try:
        write_images(temporary, images)
        checksum = _checksum(temporary)
        os.replace(temporary, paths.images)
        kept = {"key": key, "checksum": checksum, "notes": notes}
        body = json.dumps(kept).encode()
        digest = hashlib.sha256(body).hexdigest().encode()
        write_atomically(paths.notes, digest + b"\n" + body)
    except OSError as error:
        raise _cannot_keep(paths.images.parent, error) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def filling(paths: Paths) -> Iterator[None]:
    """Wait for another process that fills the same cache; there it may be found.

    The lock falls with the process. Windows has none: both fill, the last one stays.
    """
    folder = paths.images.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / f".{paths.images.stem}.lock", "a+b")  # noqa: SIM115
    except OSError as error:
        raise _cannot_keep(folder, error) from None
    with file:
        if fcntl:
            with suppress(OSError):  # a network disk without locks: both fill
                fcntl.lockf(file, fcntl.LOCK_EX)
                for left in folder.glob(f".{paths.images.name}.*.tmp"):
                    left.unlink(missing_ok=True)  # of a process that was killed
        yield


def write_images(path: Path, images: Iterable[np.ndarray]) -> None:
    """A .npy whose header is written again when the number of images is known."""
    count, shape = 0, ()
    with open(path, "wb") as file:
        for image in images:
            if not count:
                _write_header(file, 0, image.shape)
            file.write(image)
            count, shape = count + 1, image.shape
        file.seek(0)
        _write_header(file, count, shape)
        file.flush()
        os.fsync(file.fileno())


def _write_header(file: Any, count: int, shape: tuple[int, ...]) -> None:
    """numpy leaves room for any length of the first axis: the header keeps its size."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(file, header)


def _checksum(path: Path) -> int:
    value = 0
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            value = zlib.crc32(block, value)
    return value


def _cannot_keep(folder: Path, error: OSError) -> Exception:
    if is_disk_full(error):
        return FaultError(
            f"disk full while decoded images were written to {show(folder)}; make "
            "room, or name another folder in data.cache"
        )
    return InputError(
        f"{show(folder)}: decoded images cannot be kept here ({error.strerror}); name "
        'another folder in data.cache, or none: data.cache=""'
    )
