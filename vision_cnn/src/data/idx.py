"""The IDX format of MNIST (LeCun, Cortes, Burges), gzipped or not.

Two zero bytes, a byte for the type, a byte for the rank, each size as four bytes, then
the values; all big endian. Fashion-MNIST and KMNIST use the file names of MNIST.
EMNIST (Cohen et al. 2017, arXiv 1702.05373) has its own, stores each image transposed
and counts its letters from 1; both are undone here.
"""

import gzip
import hashlib
import math
import os
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch

from ..utils.errors import InputError
from .labels import check_range, count_classes
from .names import Numbered, show
from .source import Labelled, Source


TYPES = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
MAX_BYTES = 2**32
"""Largest array that is read: 4 GiB."""
MAX_RANK = 32
DEFLATE_RATIO = 1032
"""No deflated byte stands for more (zlib's technical details)."""

DIGITS = tuple("0123456789")
CAPITALS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
MERGED = (*DIGITS, *CAPITALS, *"abdefghnqrt")
"""The other small letters look like their capitals."""
EMNIST = {
    "emnist-balanced": MERGED,
    "emnist-bymerge": MERGED,
    "emnist-byclass": (*DIGITS, *CAPITALS, *"abcdefghijklmnopqrstuvwxyz"),
    "emnist-digits": DIGITS,
    "emnist-letters": CAPITALS,
    "emnist-mnist": DIGITS,
}


class Naming(NamedTuple):
    """How the files of one data set are called."""

    folder: Path
    train: str
    test: str
    emnist: str = ""
    """Its key in EMNIST, empty for other sets."""


def open_idx(root: str | Path, class_names: tuple[str, ...] = ()) -> Source:
    """Train and test part of MNIST, or of a set with its file names or EMNIST's.

    Without `class_names` the classes are called by their numbers (those of EMNIST by
    their characters), and the training labels must be 0, 1, 2... without a gap. Where a
    folder has several sets of EMNIST, `root` ends with the one meant, as
    `gzip/emnist-letters`. Raises InputError.
    """
    naming = _naming(Path(root))
    classes = tuple(class_names) or EMNIST.get(naming.emnist, ())
    parts: dict[str, Labelled] = {}
    digest = hashlib.sha256()
    for part, prefix in (("train", naming.train), ("test", naming.test)):
        image_path = _find(naming.folder, f"{prefix}-images", "idx3")
        label_path = _find(naming.folder, f"{prefix}-labels", "idx1")
        images, labels = _read_pair(image_path, label_path)
        if naming.emnist:
            images = images.transpose(0, 2, 1)
        if naming.emnist == "emnist-letters":
            labels = _letters_from_zero(label_path, labels)
        classes = classes or count_classes(show(label_path), labels)
        check_range(show(label_path), labels, len(classes))
        digest.update(f"{part} {images.shape}".encode())
        digest.update(np.ascontiguousarray(images))
        digest.update(labels)
        parts[part] = Labelled(
            torch.from_numpy(np.ascontiguousarray(images[:, None])),
            torch.from_numpy(labels.astype(np.int64)),
            Numbered((image_path.name, len(images))),
        )
    _check_sizes(Path(root), parts)
    return Source(parts, classes, digest.hexdigest())


def read_idx(path: str | Path) -> np.ndarray:
    """The array in an IDX file, in the byte order of this machine.

    Raises InputError unless the file holds exactly the bytes its header announces.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            stored = os.fstat(file.fileno()).st_size
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not packed:
                return _read(path, file, stored)
            with gzip.open(file) as unpacked:
                return _read(path, unpacked, stored * DEFLATE_RATIO)
    except FileNotFoundError:
        raise InputError(f"{show(path)}: no such file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{show(path)}: the gzip data is damaged ({error}); download the file again"
        ) from None
    except OSError as error:
        raise InputError(f"{show(path)}: cannot be read ({error.strerror})") from None


def _read(path: Path, file: BinaryIO, available: int) -> np.ndarray:
    """`available`: how many bytes the file can hold at most."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        codes = ", ".join(f"{code:02x}" for code in TYPES)
        raise InputError(
            f"{show(path)}: begins with the bytes {magic.hex(' ') or '(none)'}; an IDX "
            f"file begins with 00 00, a type ({codes}) and a rank"
        )
    kind, rank = TYPES[magic[2]], magic[3]
    head = file.read(4 * rank)
    if len(head) < 4 * rank:
        raise InputError(
            f"{show(path)}: ends inside its header, after {4 + len(head)} of "
            f"{4 + 4 * rank} bytes; download the file again"
        )
    shape = tuple(int(size) for size in np.frombuffer(head, ">u4"))
    size = math.prod(shape) * kind.itemsize
    if size > MAX_BYTES or rank > MAX_RANK:
        raise InputError(
            f"{show(path)}: its header announces rank {rank} and {size:,} bytes; at "
            f"most rank {MAX_RANK} and {MAX_BYTES:,} bytes are read"
        )
    # What cannot be there is not read: a header of 16 bytes must not cost 4 GiB.
    values = file.read(size + 1) if size <= available else b""
    if len(values) != size:
        found = "more" if len(values) > size else f"{len(values):,}"
        found = found if size <= available else "far fewer"
        raise InputError(
            f"{show(path)}: its header announces {size:,} bytes of values (shape "
            f"{shape}), but there are {found}; download the file again"
        )
    return np.frombuffer(values, kind).reshape(shape).astype(kind.newbyteorder("="))


def _naming(root: Path) -> Naming:
    """Whose file names are here: those of MNIST, or one of the sets of EMNIST."""
    if root.is_dir():
        found = [name for name in EMNIST if any(root.glob(f"{name}-train-images*"))]
        if len(found) > 1:
            raise InputError(
                f"{show(root)}: holds {len(found)} sets ({', '.join(found)}); end "
                f"data.root with the one to read, as {show(root / found[-1])}"
            )
        if found and not any(root.glob("train-images*")):
            return Naming(root, f"{found[0]}-train", f"{found[0]}-test", found[0])
        return Naming(root, "train", "t10k")
    if root.name in EMNIST and root.parent.is_dir():
        return Naming(root.parent, f"{root.name}-train", f"{root.name}-test", root.name)
    raise InputError(
        f"{show(root)}: no such folder; data.root names the folder with "
        "train-images-idx3-ubyte.gz and the three other files of MNIST"
    )


def _find(root: Path, stem: str, rank: str) -> Path:
    names = [
        f"{stem}{dot}{rank}-ubyte{end}" for end in ("", ".gz") for dot in ("-", ".")
    ]
    for name in names:
        if (root / name).is_file():
            return root / name
    raise InputError(
        f"{show(root)}: has none of {', '.join(names)}; download it, or name another "
        "folder in data.root"
    )


def _read_pair(image_path: Path, label_path: Path) -> tuple[np.ndarray, np.ndarray]:
    images, labels = read_idx(image_path), read_idx(label_path)
    for path, array, axes in (
        (image_path, images, "3 axes: images, height, width"),
        (label_path, labels, "1 axis: labels"),
    ):
        if array.dtype != np.uint8 or array.ndim != int(axes[0]):
            raise InputError(
                f"{show(path)}: holds {array.dtype} of shape {array.shape}; needed are "
                f"bytes (uint8) with {axes}"
            )
    if len(images) != len(labels) or not images.size:
        raise InputError(
            f"{show(image_path)} holds {len(images)} images but {label_path.name} "
            f"{len(labels)} labels; they must be as many, and at least one of at least "
            "one pixel"
        )
    return images, labels


def _letters_from_zero(path: Path, labels: np.ndarray) -> np.ndarray:
    if labels.min() < 1:
        raise InputError(
            f"{show(path)}: has the label 0; the letters of EMNIST count from 1 (A)"
        )
    return labels - 1


def _check_sizes(root: Path, parts: dict[str, Labelled]) -> None:
    (h, w), (h0, w0) = (part.images.shape[2:] for part in parts.values())
    if (h, w) != (h0, w0):
        raise InputError(
            f"{show(root)}: training images are {h}x{w} but test images {h0}x{w0}; the "
            "files belong to different sets"
        )
