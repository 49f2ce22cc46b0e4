"""Image files as pixels: the same for training, for inference and for the data check.

Pillow's traps are stepped around: it reads a rotated photograph unrotated, clips 16-bit
grey at 255 and names a buffer instead of the file when it fails.
"""

import io
import warnings
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from ..utils.errors import InputError
from .names import show


SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
SUFFIXES += (".ppm", ".pgm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
MAX_FILE = 2**26
"""Largest image file: 64 MiB."""
MAX_PIXELS = 89_478_485
"""Largest image that is decoded: about 9,400 x 9,400 (where Pillow warns)."""
MODES = {1: "L", 3: "RGB"}
SHORT_TYPES = ("I;16", "I;16B", "I;16L", "I;16N")

Size = int | tuple[int, int]
"""0 keeps an image as it is; else a square, or (height, width)."""


def read_image(
    path: str | Path, channels: int, size: Size = 0
) -> UInt8[Tensor, "channel height width"]:
    """One image file as `decode_image` gives it; raises InputError with the path."""
    return torch.from_numpy(decode_image(read_bytes(Path(path)), path, channels, size))


def decode_image(
    data: bytes, name: object, channels: int, size: Size = 0
) -> np.ndarray:
    """The bytes of an image file as uint8 (channels, height, width).

    Upright as EXIF says. `channels` 1 makes luma of colour, 3 repeats grey; alpha is
    dropped and the colours below it kept; of 16 bits the upper 8 are read. `size` takes
    the largest centred piece of its proportions, scaled (bilinear, antialiased): the
    same as to scale the shorter side and cut the centre.
    `name` is what an InputError calls the file.
    """
    if channels not in MODES:
        raise ValueError(f"decode_image: channels is {channels}; 1 or 3")
    try:
        with warnings.catch_warnings():
            # The size is checked below, where the file's name is known.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        _check(name, image)
        pixels = _convert(_upright(image, size), channels)
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"{show(name)}: {_not_an_image(data)}") from None
    except Image.DecompressionBombError:
        raise InputError(f"{show(name)}: {_TOO_LARGE}") from None
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise InputError(
            f"{show(name)}: is damaged and cannot be decoded "
            f"({str(error) or type(error).__name__}); replace the file"
        ) from None
    pixels = np.atleast_3d(_fit(pixels, size) if size else pixels)
    return np.array(pixels.transpose(2, 0, 1), order="C")


def image_kind(data: bytes) -> str:
    """Width x height and Pillow's mode, as "32x32 RGB", from the header; "" without."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        return f"{image.width}x{image.height} {image.mode}"
    except Exception:  # as in `decode_image`, which says what is wrong
        return ""


def read_bytes(path: Path) -> bytes:
    """What an image file holds; raises InputError for what is no regular file."""
    try:
        if path.is_symlink() and not path.exists():
            raise InputError(
                f"{show(path)}: is a link to {show(path.readlink())}, which leads to "
                "no file; restore its target or remove the link"
            )
        if not path.exists():
            raise InputError(f"{show(path)}: no such file")
        if not path.is_file():  # a pipe would block for ever
            raise InputError(f"{show(path)}: is not a regular file")
        if path.stat().st_size > MAX_FILE:
            raise InputError(
                f"{show(path)}: is larger than {MAX_FILE:,} bytes, the most that is "
                "read; scale it down first"
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{show(path)}: cannot be read ({error.strerror})") from None


_TOO_LARGE = f"has more than {MAX_PIXELS:,} pixels; scale it down first"


def _check(name: object, image: Image.Image) -> None:
    """Refuse what would be read wrongly, before it is decoded."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(f"{show(name)}: is {width}x{height} and {_TOO_LARGE}")
    pages = getattr(image, "n_frames", 1)
    if pages > 1 and image.format != "MPO":  # MPO: a photograph and its previews
        raise InputError(
            f"{show(name)}: holds {pages} pictures; save each as a file of its own"
        )
    if image.mode in ("I", "F", "LAB") and ";16" not in str(image.tile):
        kind = {"I": "32-bit integer", "F": "float", "LAB": "Lab"}[image.mode]
        raise InputError(
            f"{show(name)}: has {kind} pixels, which have no known white; save it with "
            "8 or 16 bits a channel"
        )


def _upright(image: Image.Image, size: Size) -> Image.Image:
    if size:
        # A JPEG can be decoded at half, a quarter or an eighth of its size.
        longest = 4 * (size if isinstance(size, int) else max(size))
        image.draft(None, (longest, longest))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _convert(image: Image.Image, channels: int) -> Image.Image:
    if image.mode in SHORT_TYPES or image.mode == "I":
        upper = np.asarray(image).astype(np.int64) >> 8
        image = Image.fromarray(upper.clip(0, 255).astype(np.uint8))
    elif image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    # From RGBA, convert("RGB") takes the stored colours and composes nothing.
    image = image.convert("RGB") if image.mode not in ("1", "L", "LA") else image
    return image if image.mode == MODES[channels] else image.convert(MODES[channels])


def _fit(image: Image.Image, size: Size) -> Image.Image:
    """The centre, as large as fits with the proportions asked for, scaled."""
    height, width = (size, size) if isinstance(size, int) else size
    if image.size == (width, height):
        return image
    share = min(image.width / width, image.height / height)
    inner = (width * share, height * share)
    left, top = (image.width - inner[0]) / 2, (image.height - inner[1]) / 2
    box = (left, top, left + inner[0], top + inner[1])
    return image.resize((width, height), Image.Resampling.BILINEAR, box=box)


def _not_an_image(data: bytes) -> str:
    if not data:
        return "is empty (0 bytes); replace or remove the file"
    if data.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the image; run: git lfs pull"
    return (
        f"is not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image (it begins with "
        f"{data[:24]!r})"
    )
