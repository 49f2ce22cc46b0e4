"""Arrays in a .npz, as Keras, MedMNIST and numpy users save them.

Names: `x_train y_train`, `x_val y_val`, `x_test y_test`, or `train_images train_labels`
and so on, or `images labels` (or `x y`) alone for training images only. `class_names`
is optional.
"""

import hashlib
import math
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from ..utils.errors import InputError
from .labels import check_range, count_classes
from .names import Numbered, show
from .source import Labelled, Source


PAIRS = {
    "train": ("x_train y_train", "train_images train_labels", "images labels", "x y"),
    "val": ("x_val y_val", "val_images val_labels", "x_valid y_valid"),
    "test": ("x_test y_test", "test_images test_labels"),
}
MAX_BYTES = 2**33
"""Largest array that is read: 8 GiB."""
DAMAGE = (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile)
# A damaged header can ask for what zipfile lacks: a password, another compression.
DAMAGE += (NotImplementedError, RuntimeError)


def open_npz(path: str | Path, class_names: tuple[str, ...] = ()) -> Source:
    """The parts in the file; names of classes from the argument, the file, or numbers.

    Images are uint8: (n, height, width), or with 1 or 3 channels, which are the last
    axis if its size fits and else the second. Labels are whole numbers from 0, (n) or
    (n, 1). Nothing pickled is read. Raises InputError.
    """
    path = Path(path)
    arrays = _read_arrays(path)
    pairs = {part: _pair(path, part, arrays) for part in PAIRS}
    if not pairs["train"]:
        raise InputError(
            f"{show(path)}: holds {', '.join(map(show, arrays)) or 'no known name'}; "
            f"training images and labels are called {', or '.join(PAIRS['train'])}"
        )
    classes = tuple(class_names) or _class_names(path, arrays)
    parts: dict[str, Labelled] = {}
    digest = hashlib.sha256()
    for part, pair in pairs.items():
        if pair:
            images = _images(path, pair[0], arrays[pair[0]])
            where = f"{show(path)}: {pair[1]}"
            labels = _labels(where, arrays[pair[1]], len(images))
            classes = classes or count_classes(where, labels)
            check_range(where, labels, len(classes))
            names = Numbered((f"{path.name}:{pair[0]}", len(images)))
            digest.update(f"{part} {images.shape}".encode())
            digest.update(images)
            digest.update(labels)
            parts[part] = Labelled(
                torch.from_numpy(images), torch.from_numpy(labels), names
            )
    _check_shapes(path, pairs, parts)
    digest.update(repr(classes).encode())
    return Source(parts, classes, digest.hexdigest())


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            found = [info for info in archive.infolist() if not info.is_dir()]
            for info in found:
                if info.file_size > MAX_BYTES:
                    raise InputError(
                        f"{show(path)}: {show(info.filename)} has {info.file_size:,} "
                        f"bytes; at most {MAX_BYTES:,} are read"
                    )
            return {
                info.filename.removesuffix(".npy"): _read_array(path, archive, info)
                for info in found
                if _is_known(info.filename.removesuffix(".npy"))
            }
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{show(path)}: no such file") from None
    except DAMAGE as error:
        raise InputError(
            f"{show(path)}: is not a whole .npz file ({error}); save it again with "
            "numpy.savez"
        ) from None


def _is_known(name: str) -> bool:
    known = {
        word for pairs in PAIRS.values() for pair in pairs for word in pair.split()
    }
    return name in known or name == "class_names"


def _read_array(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo
) -> np.ndarray:
    """The whole member, so that its checksum is compared; nothing is unpickled."""
    where = f"{show(path)}: {show(info.filename.removesuffix('.npy'))}"
    with archive.open(info) as file:
        shape, fortran, kind = _read_header(file)
        if kind.hasobject:
            raise InputError(
                f"{where} holds Python objects (pickled), which are not read; save "
                "plain numbers"
            )
        size = math.prod(shape) * kind.itemsize
        # What cannot be there is not asked for.
        data = file.read(size + 1) if size <= info.file_size else b""
    if len(data) != size:
        raise InputError(
            f"{where} announces {size:,} bytes (shape {shape}) but has another number; "
            "save the file again"
        )
    return np.frombuffer(data, kind).reshape(shape, order="F" if fortran else "C")


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"arrays of version {version[0]}.{version[1]} are not read")


def _pair(
    path: Path, part: str, arrays: dict[str, np.ndarray]
) -> tuple[str, str] | None:
    """The names of this part's images and labels; None without either."""
    found = []
    for pair in PAIRS[part]:
        images, labels = pair.split()
        if images in arrays and labels in arrays:
            found.append((images, labels))
        elif images in arrays or labels in arrays:
            here, gone = sorted(pair.split(), key=lambda name: name not in arrays)
            raise InputError(
                f"{show(path)}: has {here} but no {gone}; save both, or neither"
            )
    if len(found) > 1:
        raise InputError(
            f"{show(path)}: has both {found[0][0]} and {found[1][0]}; keep one"
        )
    return found[0] if found else None


def _images(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    """(n, channels, height, width)."""
    if array.dtype != np.uint8:
        raise InputError(
            f"{show(path)}: {name} is {array.dtype}; needed is uint8, 0 to 255 (values "
            "from 0 to 1 times 255, rounded)"
        )
    shape = array.shape
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[3] in (1, 3):
        array = array.transpose(0, 3, 1, 2)
    if array.ndim != 4 or array.shape[1] not in (1, 3) or not array.size:
        raise InputError(
            f"{show(path)}: {name} has the shape {shape}; needed are images of "
            "one pixel or more: (n, height, width), or with an axis of 1 or 3 channels"
        )
    return np.array(array, order="C")  # in memory that torch may write


def _labels(where: str, array: np.ndarray, count: int) -> np.ndarray:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(
            f"{where} is {array.dtype} of shape {array.shape}; needed is one whole "
            "number an image, (n) or (n, 1)"
        )
    if len(array) != count:
        raise InputError(
            f"{where} has {len(array)} labels for {count} images; save one for each"
        )
    return array.astype(np.int64)


def _class_names(path: Path, arrays: dict[str, np.ndarray]) -> tuple[str, ...]:
    names = arrays.get("class_names", np.array([], "U1"))
    if names.ndim != 1 or names.dtype.kind != "U":
        raise InputError(
            f"{show(path)}: class_names is {names.dtype} of shape {names.shape}; "
            "needed is one text a class"
        )
    return tuple(names.tolist())


def _check_shapes(
    path: Path, pairs: dict[str, tuple[str, str] | None], parts: dict[str, Labelled]
) -> None:
    shapes = {pairs[part][0]: tuple(p.images.shape[1:]) for part, p in parts.items()}
    (first, shape), *others = shapes.items()
    for name, other in others:
        if other != shape:
            raise InputError(
                f"{show(path)}: images of {first} are {shape} (channels, height, "
                f"width) but those of {name} {other}; all must have one size"
            )
