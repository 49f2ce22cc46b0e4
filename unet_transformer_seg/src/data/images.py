"""Image and mask files as arrays: nothing cut, clipped or guessed in silence.

PNG, JPEG and TIFF through Pillow, whose traps are stepped around: 16-bit colour is cut
to 8 bits, a rotated photograph is read unrotated, a message names a buffer instead of
the file.
"""

import io
import warnings
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from ..utils.colours import LUMA
from ..utils.contracts import contract
from ..utils.errors import InputError
from ..utils.plots import write_bytes


MAX_PIXELS = 89_478_485
"""Largest image that is decoded: about 9,400 x 9,400 (where Pillow warns)."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "TIFF")
SHORT_TYPES = ("I;16", "I;16B", "I;16L", "I;16N")


def read_pixels(path: Path) -> np.ndarray:
    """A file as uint8 or uint16, height x width (grey) or height x width x 3.

    Rotated as its EXIF says. Alpha is dropped: the colours stay as stored. CMYK and
    palettes become RGB. Raises InputError for what cannot be read exactly.
    """
    image = _decode(Path(path))
    if image.mode in SHORT_TYPES:
        return _short(image)
    if image.mode in ("I", "F", "LAB"):
        kind = {"I": "32-bit integer", "F": "float", "LAB": "Lab"}[image.mode]
        raise InputError(
            f"{show(path)}: has {kind} pixels, which have no known white; save it as "
            "8-bit or 16-bit grey, or 8-bit RGB"
        )
    if image.mode in ("1", "L", "LA"):
        return np.array(image.convert("L"))
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    # From RGBA, convert("RGB") takes the stored colours and composes nothing.
    return np.array(image.convert("RGB"))


def read_mask(path: Path) -> np.ndarray:
    """A mask's values as stored: integers, height x width, or x 3 where coded in RGB.

    A palette mask gives its indices, a 1-bit mask 0 and 255; alpha is dropped. Rotated
    as its EXIF says. Raises InputError for what holds no class codes.
    """
    image = _decode(Path(path))
    if image.mode in SHORT_TYPES:
        return _short(image)
    if image.mode in ("L", "P", "RGB", "I"):
        values = np.array(image)
        if image.mode == "I" and values.min() < 0:
            raise InputError(
                f"{show(path)}: has the negative mask value {values.min()}; class "
                "codes are integers from 0"
            )
        return values
    if image.mode == "1":
        return np.array(image.convert("L"))
    if image.mode in ("LA", "PA", "RGBA"):
        values = np.array(image)
        return values[..., 0] if image.mode != "RGBA" else values[..., :3]
    raise InputError(
        f"{show(path)}: is a mask of type {image.mode}; save it as grey, palette or "
        "RGB PNG"
    )


@contract
def to_unit(
    pixels: np.ndarray, channels: int | None = None
) -> Float[Tensor, "channel height width"]:
    """What `read_pixels` gives, scaled by its type: 255 or 65535 is 1.

    `channels` None keeps grey (1) or colour (3); else grey is repeated, colour becomes
    luma.
    """
    scale = {"uint8": 255.0, "uint16": 65535.0}[pixels.dtype.name]
    values = torch.from_numpy(pixels.astype(np.float32) / np.float32(scale))
    values = values[None] if values.ndim == 2 else values.permute(2, 0, 1).contiguous()
    if channels in (None, values.shape[0]):
        return values
    if channels == 3:
        return values.repeat(3, 1, 1)
    if channels == 1:
        return torch.tensordot(torch.tensor([LUMA]), values, 1)
    raise ValueError(f"channels is {channels}; 1 or 3")


def write_png(path: Path, pixels: np.ndarray | Tensor) -> None:
    """Write uint8 (grey or RGB) or uint16 (grey), losslessly and in one step."""
    pixels = np.ascontiguousarray(pixels)
    shape_ok = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    deep = pixels.dtype == np.uint16 and pixels.ndim == 2
    if not shape_ok or not (pixels.dtype == np.uint8 or deep):
        raise ValueError(f"cannot write {pixels.dtype} of shape {pixels.shape} as PNG")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    write_bytes(Path(path), buffer.getvalue())


def show(path: Path | str) -> str:
    """A path as a message can hold it: on one line."""
    text = str(path)
    return text if text.isprintable() else repr(text)


def _decode(path: Path) -> Image.Image:
    """The whole picture, upright; raises InputError with the file and its fault."""
    data = _read_bytes(path)
    try:
        with warnings.catch_warnings():
            # The size is checked below, where the file's name is known.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        _check(path, image)
        image.load()
        inverted = image.mode in SHORT_TYPES and _tag(image, 262) == 0
        image = ImageOps.exif_transpose(image)
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"{show(path)}: {_not_an_image(data)}") from None
    except Image.DecompressionBombError:
        raise InputError(f"{show(path)}: {_TOO_LARGE}") from None
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise InputError(
            f"{show(path)}: is damaged and cannot be decoded ({error}); replace the "
            "file"
        ) from None
    image.info["inverted"] = inverted
    return image


_TOO_LARGE = f"has more than {MAX_PIXELS:,} pixels; cut it into tiles first"


def _check(path: Path, image: Image.Image) -> None:
    """Refuse what Pillow would read incompletely, before it is decoded."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(f"{show(path)}: is {width}x{height} and {_TOO_LARGE}")
    pages = getattr(image, "n_frames", 1)
    if pages > 1 and image.format != "MPO":  # MPO: a photograph and its previews
        raise InputError(
            f"{show(path)}: holds {pages} pictures; save each as a file of its own"
        )
    bits = _tag(image, 258)
    deep = ";16" in str(image.tile) or max(np.atleast_1d(bits or 8)) > 8
    if deep and image.mode not in (*SHORT_TYPES, "I", "F"):
        raise InputError(
            f"{show(path)}: has 16 bits a colour channel, of which only 8 would be "
            "read; save it as 8-bit RGB, or as 16-bit grey"
        )


def _tag(image: Image.Image, number: int) -> int | tuple | None:
    """A TIFF tag, None in other formats."""
    return image.tag_v2.get(number) if hasattr(image, "tag_v2") else None


def _short(image: Image.Image) -> np.ndarray:
    """16-bit grey; where a TIFF stores white as 0, Pillow inverts 8 bits only."""
    values = np.array(image).astype(np.uint16)
    return 65535 - values if image.info["inverted"] else values


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_symlink() and not path.exists():
            target = path.readlink()
            raise InputError(
                f"{show(path)}: is a link to {show(target)}, which leads to no file; "
                "restore its target or remove the link"
            )
        if not path.exists():
            raise InputError(f"{show(path)}: no such file")
        if not path.is_file():  # a pipe would block for ever
            raise InputError(f"{show(path)}: is not a regular file")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{show(path)}: cannot be read ({error.strerror})") from None
    if not data:
        raise InputError(
            f"{show(path)}: is empty (0 bytes); replace or remove the file"
        )
    return data


def _not_an_image(data: bytes) -> str:
    if data.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the image; run: git lfs pull"
    start = data[:24]
    return f"is not a PNG, JPEG or TIFF image (it begins with {start!r})"
