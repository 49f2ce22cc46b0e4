"""The IDX format of MNIST (LeCun, Cortes, Burges): arrays of any rank, gzipped or not.

Two zero bytes, a byte for the type, a byte for the rank, each size as four bytes, then
the values; everything big endian.
"""

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..utils.errors import InputError
from .dataset import ArrayDataset


TYPES = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
MAX_BYTES = 2**33
"""Largest array that is read: 8 GiB."""


def read_idx(path: str | Path) -> np.ndarray:
    """The array in an IDX file, in the byte order of this machine.

    Raises InputError unless the file holds exactly the bytes its header announces.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not packed:
                return _read(path, file)
            with gzip.open(file) as unpacked:
                return _read(path, unpacked)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: the gzip data is damaged ({error}); download the file again"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def open_idx_folder(root: str | Path) -> dict[str, ArrayDataset]:
    """The parts "train" and "test" of MNIST, or of a set with its file names.

    Images are uint8 (n, 1, height, width), labels int64. Each file may be gzipped, and
    spelled with `-idx3-ubyte` or `.idx3-ubyte`.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(
            f"{root}: no such folder; data.root names the folder with "
            "train-images-idx3-ubyte.gz and the three other files of MNIST"
        )
    parts = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        image_path = _find(root, f"{prefix}-images", "idx3")
        label_path = _find(root, f"{prefix}-labels", "idx1")
        images, labels = read_idx(image_path), read_idx(label_path)
        _check_kind(image_path, images, 3, "images, height, width")
        _check_kind(label_path, labels, 1, "labels")
        if len(images) != len(labels) or not images.size:
            raise InputError(
                f"{image_path} holds {len(images)} images but {label_path} "
                f"{len(labels)} labels; they must be as many, and at least one"
            )
        parts[part] = ArrayDataset(images[:, None], labels.astype(np.int64))
    sizes = [part.features.shape[2:] for part in parts.values()]
    if sizes[0] != sizes[1]:
        raise InputError(
            f"{root}: training images are {sizes[0][0]}x{sizes[0][1]} but test images "
            f"{sizes[1][0]}x{sizes[1][1]}; the files belong to different sets"
        )
    return parts


def _read(path: Path, file: BinaryIO) -> np.ndarray:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        codes = ", ".join(f"{code:02x}" for code in TYPES)
        raise InputError(
            f"{path}: begins with the bytes {magic.hex(' ') or '(none)'}; an IDX file "
            f"begins with 00 00, a type ({codes}) and a rank"
        )
    kind, rank = TYPES[magic[2]], magic[3]
    head = file.read(4 * rank)
    if len(head) < 4 * rank:
        raise InputError(
            f"{path}: ends inside its header, after {4 + len(head)} of {4 + 4 * rank} "
            "bytes; download the file again"
        )
    shape = tuple(int(size) for size in np.frombuffer(head, ">u4"))
    size = math.prod(shape) * kind.itemsize
    if size > MAX_BYTES or rank > 32:
        raise InputError(
            f"{path}: its header announces rank {rank} and {size:,} bytes; at most "
            f"rank 32 and {MAX_BYTES:,} bytes are read"
        )
    values = file.read(size + 1)  # one byte more shows what is too much
    if len(values) != size:
        found = "more" if len(values) > size else f"{len(values):,}"
        raise InputError(
            f"{path}: its header announces {size:,} bytes of values (shape "
            f"{shape}), but there are {found}; download the file again"
        )
    return np.frombuffer(values, kind).reshape(shape).astype(kind.newbyteorder("="))


def _find(root: Path, stem: str, rank: str) -> Path:
    names = [
        f"{stem}{dot}{rank}-ubyte{end}" for end in ("", ".gz") for dot in ("-", ".")
    ]
    for name in names:
        if (root / name).is_file():
            return root / name
    raise InputError(f"{root}: has none of {', '.join(names)}")


def _check_kind(path: Path, array: np.ndarray, rank: int, axes: str) -> None:
    if array.dtype != np.uint8 or array.ndim != rank:
        raise InputError(
            f"{path}: holds {array.dtype} of shape {array.shape}; needed are bytes "
            f"(uint8) with {rank} ax{'e' if rank > 1 else 'i'}s: {axes}"
        )
