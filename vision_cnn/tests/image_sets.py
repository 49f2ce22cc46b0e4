"""Small data sets in every format, written with struct, tarfile and Pillow alone."""

import gzip
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
CLASSES = ("cat", "dog")


def idx_bytes(array: np.ndarray) -> bytes:
    """As LeCun's page describes it."""
    code = CODES[array.dtype.str[1:]]
    head = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def ramp(n: int, height: int = 5, width: int = 4) -> np.ndarray:
    """Image i holds 10 i, but 10 i + 1 in the last column of its first row."""
    images = np.full((n, height, width), 0, np.uint8)
    images += (np.arange(n, dtype=np.uint8) * 10)[:, None, None]
    images[:, 0, -1] += 1
    return images


def write_idx(
    root: Path, train: int = 6, test: int = 4, dot: str = "-", prefixes=None, first=0
) -> Path:
    """A small MNIST: the label of image i is i % 3 + first; labels are gzipped."""
    root.mkdir(exist_ok=True)
    for prefix, n in zip(prefixes or ("train", "t10k"), (train, test), strict=True):
        labels = (np.arange(n) % 3 + first).astype(np.uint8)
        (root / f"{prefix}-images{dot}idx3-ubyte").write_bytes(idx_bytes(ramp(n)))
        packed = gzip.compress(idx_bytes(labels))
        (root / f"{prefix}-labels{dot}idx1-ubyte.gz").write_bytes(packed)
    return root


def cifar_pixels(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)


def cifar_binary(pixels: np.ndarray, *labels: list[int]) -> bytes:
    """Records of the labels (coarse, fine) and the planes of an image."""
    rows = zip(*labels, pixels, strict=True)
    return b"".join(bytes(row[:-1]) + row[-1].tobytes() for row in rows)


def python2_pickle(entries: dict) -> bytes:
    """Protocol 2 as Python 2 and its numpy wrote the batches of CIFAR."""
    body = b"".join(_text(key) + _value(value) for key, value in entries.items())
    return b"\x80\x02}q\x01(" + body + b"u."


def _value(value) -> bytes:
    if isinstance(value, list):
        return b"](" + b"".join(_value(item) for item in value) + b"e"
    if isinstance(value, int):
        return b"K" + bytes([value])
    if isinstance(value, str):
        return _text(value)
    raw = value.tobytes()
    rows, columns = (b"M" + struct.pack("<H", size) for size in value.shape)
    return (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87R(K\1"
        + rows
        + columns
        + b"\x86cnumpy\ndtype\nU\2u1K\0K\1\x87R(K\3U\1|NNNJ"
        + b"\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T"
        + struct.pack("<i", len(raw))
        + raw
        + b"tb"
    )


def _text(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode("latin-1")


def square(value: int, height: int = 6, width: int = 4) -> np.ndarray:
    """An RGB image of one grey with a red corner."""
    image = np.full((height, width, 3), value, np.uint8)
    image[0, 0] = (255, 0, 0)
    return image


def write_folder(root: Path, parts=(("train", 3), ("test", 2))) -> Path:
    """Greys 10, 20, 30... over all images, part after part, class after class."""
    value = 0
    for part, count in parts:
        for label in CLASSES:
            folder = root / part / label
            folder.mkdir(parents=True)
            for number in range(count):
                value += 10
                Image.fromarray(square(value)).save(folder / f"{number}.png")
    return root


def pack(
    root: Path, path: Path, top: str = "", mode: str = "w:gz", kind=tarfile.PAX_FORMAT
) -> Path:
    """A tar of a folder, not in the order of its names."""
    with tarfile.open(path, mode, format=kind) as archive:
        for file in sorted((p for p in root.rglob("*") if p.is_file()), reverse=True):
            archive.add(file, f"{top}{file.relative_to(root)}")
    return path


def png_bytes(width: int, height: int, depth: int, kind: int, rows: bytes) -> bytes:
    """A PNG made by hand: Pillow cannot write some of the kinds that it reads."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + parts + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def same_source(one, other) -> bool:
    """Whether two sources hold the same images, labels, names and classes."""
    a, b = one.parts, other.parts
    return (one.class_names, one.fingerprint, list(a)) == (
        other.class_names,
        other.fingerprint,
        list(b),
    ) and all(
        np.array_equal(pixels_of(a[part]), pixels_of(b[part]))
        and a[part].labels.equal(b[part].labels)
        and list(a[part].names) == list(b[part].names)
        for part in a
    )


def pixels_of(labelled) -> np.ndarray:
    """All images of a part."""
    import torch

    return labelled.images[torch.arange(len(labelled.labels))].numpy()


def put(root: Path, name: str, value: int, shape=(6, 4)) -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(square(value, *shape)).save(root / name)
    return root / name
