"""Images in `train/<class>/*.png|jpg` and `test/<class>/`, a folder or a tar of it.

Decoded once into a cache of plain arrays. A tar is read from front to back and never
unpacked, so that no name in it can reach the disk.
"""

import hashlib
import io
import os
import tarfile
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from ..utils.errors import InputError
from .dataset import ArrayDataset
from .image_cache import read_cache, write_cache


SUFFIXES = (".png", ".jpg", ".jpeg")
PARTS = ("train", "val", "test")
MAX_FILE = 2**26
"""Largest image file: 64 MiB."""
MAX_PIXELS = 2**24
"""Largest image: 4096 x 4096."""
FORMAT = 1
"""Raised when the cache holds something else, so that old ones are made anew."""
MODES = {1: "L", 3: "RGB"}


class Found(NamedTuple):
    """One image file, undecoded."""

    part: str
    label: str
    name: str
    """As the user finds it: the tar, then the name inside it."""
    data: bytes


def open_image_folder(
    root: str | Path, cache: str | Path | None, channels: int = 3
) -> tuple[dict[str, ArrayDataset], list[str]]:
    """The parts "train", "test" and, if there, "val", and the class names, sorted.

    Images are uint8 (n, channels, height, width) in the order of their names. `root` is
    a folder or a tar (gzipped or not); folders above train/ are skipped. `cache` is a
    folder for the decoded arrays, None for none. Raises InputError with the path.
    """
    root = Path(root)
    if not root.exists():
        raise InputError(
            f"{root}: no such folder or file; data.root names a folder with "
            "train/<class>/ and test/<class>/, or a .tar.gz of it"
        )
    if channels not in MODES:
        raise ValueError(f"open_image_folder: channels is {channels}; 1 or 3")
    key = source_key(root, channels)
    path = None if cache is None else Path(cache) / f"images-{key[:16]}.npz"
    kept = None if path is None else read_cache(path, key)
    if kept is None:
        kept = _decode_all(root, channels)
        if path is not None:
            write_cache(path, key, *kept)
    return kept


def source_key(root: Path, channels: int) -> str:
    """What a cache belongs to: names, sizes and times of the files, the format."""
    files = [root] if root.is_file() else _walk(root)
    lines = [f"{FORMAT} {channels}"]
    for file in files:
        state = file.stat()
        lines.append(f"{file.relative_to(root)} {state.st_size} {state.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()


def read_image(path: str | Path, channels: int) -> np.ndarray:
    """One image file as uint8 (channels, height, width); raises InputError."""
    path = Path(path)
    try:
        return decode_image(path.read_bytes(), str(path), channels)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def decode_image(data: bytes, name: str, channels: int) -> np.ndarray:
    """PNG or JPEG bytes as uint8 (channels, height, width), rotated as EXIF says.

    Colour becomes grey, or grey colour, as `channels` (1 or 3) asks; alpha is dropped.
    """
    if not data:
        raise InputError(f"{name}: is empty (0 bytes); replace or remove the file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombWarning
            image.load()
            image = ImageOps.exif_transpose(image)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise InputError(
            f"{name}: has more than {MAX_PIXELS:,} pixels; scale it down first"
        ) from None
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        text = str(error)
        text = f"it begins with {data[:12]!r}" if "BytesIO" in text else text
        raise InputError(
            f"{name}: is not a whole PNG or JPEG image ({text}); replace the file"
        ) from None
    if image.mode[0] in "IF":
        raise InputError(
            f"{name}: has 16 or 32 bits a pixel, of which 8 would be read; save it "
            "with 8 bits"
        )
    if image.mode in ("P", "PA", "RGBA", "LA"):
        image = image.convert("RGBA").convert("RGB")
    pixels = np.asarray(image.convert(MODES[channels]))
    return np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1))


def find_images(root: Path) -> Iterator[Found]:
    """Every image file below train/, val/ and test/, undecoded, as it comes."""
    yield from (_from_tar(root) if root.is_file() else _from_folder(root))


def _from_folder(root: Path) -> Iterator[Found]:
    for path in _walk(root):
        place = _place(path.relative_to(root).as_posix())
        if place:
            if path.stat().st_size > MAX_FILE:
                raise _too_large(str(path))
            yield Found(*place, str(path), path.read_bytes())


class Header(tarfile.TarInfo):
    """A header that has to be there: tarfile takes a cut in it for the end."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> tarfile.TarInfo:
        if len(buf) < tarfile.BLOCKSIZE:
            raise EOFError("it stops before its end")
        return super().frombuf(buf, encoding, errors)


def _from_tar(path: Path) -> Iterator[Found]:
    try:
        with tarfile.open(path, "r|*", tarinfo=Header) as archive:
            for member in archive:
                place = _place(member.name)
                if not place or not member.isreg():
                    continue
                name = f"{path}: {member.name}"
                if member.size > MAX_FILE:
                    raise _too_large(name)
                yield Found(*place, name, archive.extractfile(member).read())
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise InputError(
            f"{path}: is not a whole tar file ({error}); download it again"
        ) from None


def _decode_all(root: Path, channels: int) -> tuple[dict[str, ArrayDataset], list[str]]:
    images: dict[str, list] = {part: [] for part in PARTS}
    first: tuple[str, tuple] | None = None
    for part, label, name, data in find_images(root):
        pixels = decode_image(data, name, channels)
        first = first or (name, pixels.shape[1:])
        if pixels.shape[1:] != first[1]:
            (h, w), (h0, w0) = pixels.shape[1:], first[1]
            raise InputError(
                f"{name}: is {h}x{w} but {first[0]} is {h0}x{w0}; all images must have "
                "one size, so scale them first"
            )
        images[part].append((label, name, pixels))
    classes = _check_classes(root, images)
    parts = {}
    for part, rows in images.items():
        if rows:
            rows.sort(key=lambda row: row[:2])
            labels = np.array([classes.index(row[0]) for row in rows], np.int64)
            parts[part] = ArrayDataset(np.stack([row[2] for row in rows]), labels)
    return parts, classes


def _check_classes(root: Path, images: dict[str, list]) -> list[str]:
    names = {part: {row[0] for row in rows} for part, rows in images.items()}
    for part in ("train", "test"):
        if not names[part]:
            raise InputError(
                f"{root}: has no image in {part}/<class>/ that ends with "
                f"{', '.join(SUFFIXES)}; expected are train/<class>/ and test/<class>/"
            )
    for part in ("val", "test"):
        for here, there in (("train", part), (part, "train")):
            gone = sorted(names[here] - names[there])
            if names[part] and gone:
                raise InputError(
                    f"{root}: {here}/ has the class {gone[0]!r} but {there}/ has no "
                    f"image of it; {there}/{gone[0]}/ must hold one at least"
                )
    return sorted(names["train"])


def _walk(root: Path) -> list[Path]:
    found = [Path(top, name) for top, _, names in os.walk(root) for name in names]
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES)


def _place(name: str) -> tuple[str, str] | None:
    """The part and the class that a path stands for; None if it is something else."""
    path = PurePosixPath(name)
    hidden = any(piece.startswith(".") for piece in path.parts[-2:])
    if len(path.parts) < 3 or path.parts[-3] not in PARTS or hidden:
        return None
    if path.suffix.lower() not in SUFFIXES:
        return None
    return path.parts[-3], path.parts[-2]


def _too_large(name: str) -> InputError:
    return InputError(f"{name}: is larger than {MAX_FILE:,} bytes; scale it down first")
