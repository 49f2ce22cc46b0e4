"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) as they are downloaded.

The binary version has records of one label (CIFAR-100: the coarse, then the fine) and
3,072 bytes: 32 rows of red, then green, then blue. The Python version has pickles.
"""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ..utils.errors import InputError
from .archives import tar_members
from .labels import check_range
from .names import Numbered, show
from .plain_pickle import read_pickle
from .source import Labelled, Source


SIDE = 32
PIXELS = 3 * SIDE * SIDE
MAX_FILE = 2**28
"""Largest file of a data set: 256 MiB; CIFAR-100's train has 155 MB."""
BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))


class Version(NamedTuple):
    """The files of one download."""

    title: str
    train: tuple[str, ...]
    test: str
    names: str
    """Of the classes: a line each, or a pickle."""
    key: str = ""
    """Of the labels, in a pickle; empty for the binary version."""
    label_bytes: int = 1

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.train, self.test, self.names)


VERSIONS = (
    Version(
        "CIFAR-10 binary",
        tuple(f"{name}.bin" for name in BATCHES),
        "test_batch.bin",
        "batches.meta.txt",
    ),
    Version(
        "CIFAR-100 binary",
        ("train.bin",),
        "test.bin",
        "fine_label_names.txt",
        label_bytes=2,
    ),
    Version("CIFAR-10 python", BATCHES, "test_batch", "batches.meta", "labels"),
    Version("CIFAR-100 python", ("train",), "test", "meta", "fine_labels"),
)


def open_cifar(root: str | Path) -> Source:
    """Train and test part; of CIFAR-100 the 100 fine classes.

    `root` is the .tar.gz that is downloaded, its folder, or the folder around that.
    Raises InputError.
    """
    version, contents = _contents(Path(root))
    where = {name: f"{show(root)}: {name}" for name in contents}
    classes = _class_names(version, contents[version.names], where[version.names])
    parts: dict[str, Labelled] = {}
    digest = hashlib.sha256(repr(classes).encode())
    for part, files in (("train", version.train), ("test", (version.test,))):
        read = [_read(version, contents[name], where[name]) for name in files]
        for name, (_, labels) in zip(files, read, strict=True):
            check_range(where[name], labels, len(classes))
        images = np.concatenate([pixels for pixels, _ in read])
        labels = np.concatenate([labels for _, labels in read])
        digest.update(f"{part} {images.shape}".encode())
        digest.update(images)
        digest.update(labels)
        names = Numbered(
            *(
                (name, len(labels))
                for name, (_, labels) in zip(files, read, strict=True)
            )
        )
        parts[part] = Labelled(
            torch.from_numpy(images.reshape(-1, 3, SIDE, SIDE)),
            torch.from_numpy(labels),
            names,
        )
    return Source(parts, classes, digest.hexdigest())


def _contents(root: Path) -> tuple[Version, dict[str, bytes]]:
    """The bytes of each file of the version that is there."""
    if root.is_file():
        wanted = {name for version in VERSIONS for name in version.files}
        contents: dict[str, bytes] = {}
        for member in tar_members(root):
            if member.name.name in wanted:
                contents[member.name.name] = member.read(MAX_FILE)
        return _version(root, contents), contents
    if not root.is_dir():
        raise InputError(
            f"{show(root)}: no such folder or file; data.root names a download of "
            "CIFAR, as cifar-10-binary.tar.gz or cifar-100-python.tar.gz, or its folder"
        )
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    listed = [_file_names(folder) for folder in folders]
    best = max(range(len(folders)), key=lambda i: _most_complete(listed[i])[1])
    version = _version(folders[best], listed[best])
    contents = {name: _file_bytes(folders[best] / name) for name in version.files}
    return version, contents


def _file_names(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir() if path.is_file()}
    except OSError:  # a folder beside the right one may be closed
        return set()


def _most_complete(names: Collection[str]) -> tuple[Version, float]:
    shares = [sum(f in names for f in v.files) / len(v.files) for v in VERSIONS]
    best = max(range(len(VERSIONS)), key=shares.__getitem__)
    return VERSIONS[best], shares[best]


def _version(root: Path, names: Collection[str]) -> Version:
    version, share = _most_complete(names)
    missing = [name for name in version.files if name not in names]
    if not share:
        raise InputError(
            f"{show(root)}: has no file of CIFAR; expected are those of one of: "
            + "; ".join(f"{v.title} ({v.train[0]}, {v.test}, ...)" for v in VERSIONS)
        )
    if missing:
        raise InputError(
            f"{show(root)}: looks like {version.title} but has no {missing[0]}; "
            "download it again"
        )
    return version


def _file_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE:
            raise InputError(
                f"{show(path)}: is larger than {MAX_FILE:,} bytes, as no file of CIFAR "
                "is; download it again"
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{show(path)}: cannot be read ({error.strerror})") from None


def _read(version: Version, data: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 3072) and labels (n) of one file."""
    if version.key:
        return _read_pickled(data, version.key, where)
    record = version.label_bytes + PIXELS
    if not data or len(data) % record:
        raise InputError(
            f"{where}: has {len(data):,} bytes, which is not one or more records of "
            f"{record:,}; download it again"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, record)
    labels = records[:, version.label_bytes - 1].astype(np.int64)
    return np.ascontiguousarray(records[:, version.label_bytes :]), labels


def _read_pickled(data: bytes, key: str, where: str) -> tuple[np.ndarray, np.ndarray]:
    kept = _read_dict(data, where)
    pixels, labels = kept.get("data"), kept.get(key)
    if (
        not isinstance(pixels, np.ndarray)
        or pixels.ndim != 2
        or pixels.shape[1] != PIXELS
        or not len(pixels)
    ):
        found = getattr(pixels, "shape", "absent")
        raise InputError(
            f"{where}: data is {found}; needed is an array of images x {PIXELS:,} bytes"
        )
    if type(labels) is not list or any(type(label) is not int for label in labels):
        raise InputError(
            f"{where}: {key} is no list of whole numbers; download the file again"
        )
    if len(labels) != len(pixels):
        raise InputError(
            f"{where}: has {len(pixels)} images but {len(labels)} labels; download the "
            "file again"
        )
    labels = [min(max(label, -1), 2**31) for label in labels]
    return np.ascontiguousarray(pixels), np.array(labels, np.int64)


def _read_dict(data: bytes, where: str) -> dict:
    kept = read_pickle(data, where)
    if not isinstance(kept, dict):
        raise InputError(
            f"{where}: holds {type(kept).__name__} instead of a dict; download the "
            "file again"
        )
    return kept


def _class_names(version: Version, data: bytes, where: str) -> tuple[str, ...]:
    if version.key:
        names = _read_dict(data, where).get(version.key[: -len("s")] + "_names")
        if type(names) is list:
            names = [n.decode("latin-1") if isinstance(n, bytes) else n for n in names]
    else:
        names = data.decode("utf-8", "backslashreplace").split("\n")
        names = [name.strip() for name in names if name.strip()]
    if not names or any(type(name) is not str for name in names):
        raise InputError(f"{where}: holds no list of class names; download it again")
    return tuple(names)
