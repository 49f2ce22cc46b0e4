"""The image that a panel is asked about: an example, or what a visitor has dropped."""

import io
import warnings
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..data.images import FORMATS, read_mask, read_pixels
from ..data.info import DataInfo
from ..data.mask_values import to_classes
from ..inference.predictor import Options, Predictor, fit_channels, unit
from ..models.padding import MIN_SIDE
from ..utils.errors import InputError
from .uploads import Upload


MOST_PIXELS = 2**18
"""Of an image on a page: 512x512 are answered in about a second."""
MOST_PROBABILITIES = 2**21
"""Of each class at each pixel: the page computes with them at each move of a slider."""
MOST_TOKENS = 10_000
"""At the bottleneck of a model with attention, whose time grows with their square."""


@dataclass(frozen=True, slots=True)
class Specimen:
    name: str
    image: Tensor
    """Channel, height, width: floats in [0, 1], or integers as the file has them."""
    target: Tensor | None = None
    """The true class of each pixel, IGNORE_INDEX where nobody judges."""

    @property
    def size(self) -> str:
        return f"{self.image.shape[2]}x{self.image.shape[1]}"

    def described(self) -> dict[str, Any]:
        """The image and the truth as a page shows them."""
        target = None if self.target is None else self.target.to(torch.uint8)
        return {"name": self.name, "image": pixels(self.image), "target": target}


def most_pixels(predictor: Predictor) -> int:
    """The largest image, in pixels, that a page takes for this model."""
    net = predictor.model
    most = min(MOST_PIXELS, MOST_PROBABILITIES // len(predictor.info.class_names))
    return min(most, MOST_TOKENS * net.stride**2) if attends(net) else most


def attends(net: torch.nn.Module) -> bool:
    """Whether the bottleneck has attention that can be shown."""
    return hasattr(net, "attention_maps")


def read_specimen(
    predictor: Predictor, image: Upload, mask: Upload | None = None
) -> Specimen:
    """What a visitor dropped; raises InputError, one sentence, if it cannot be read."""
    most = most_pixels(predictor)
    array = _read(image, read_pixels, most)
    values = torch.from_numpy(array)
    values = values[None] if values.ndim == 2 else values.permute(2, 0, 1)
    fit_channels(values, predictor.info.in_channels, image.shown)
    found = Specimen(image.shown, values)
    return found if mask is None else with_mask(found, mask, predictor.info)


def with_mask(specimen: Specimen, mask: Upload, info: DataInfo) -> Specimen:
    """The specimen with this mask as its truth; raises InputError if it does not fit.

    Its values are those of the masks that the model was trained on.
    """
    values = _read(mask, read_mask, MOST_PIXELS)
    if values.shape[:2] != specimen.image.shape[1:]:
        height, width = values.shape[:2]
        raise InputError(
            f"{mask.shown}: is {width}x{height}, the image {specimen.name} "
            f"{specimen.size}; give the mask of this image, at its size"
        )
    try:
        classes = to_classes(values, info.mask_values, info.ignore_value)
    except InputError as error:
        raise InputError(f"{mask.shown}: {error}") from None
    target = torch.from_numpy(classes.astype(np.int64))
    return Specimen(specimen.name, specimen.image, target)


def probabilities(predictor: Predictor, specimen: Specimen) -> Tensor:
    """Float32 (classes, height, width), tiled as `infer` does it."""
    rows = predictor.strips(specimen.image, Options(), specimen.name)
    return torch.cat([strip for _, strip in rows], dim=1)


def pixels(image: Tensor) -> Tensor:
    """An image (channel, height, width) as bytes (height, width, channel)."""
    scaled = (unit(image).clamp(0, 1) * 255).round().to(torch.uint8)
    return scaled.permute(1, 2, 0).contiguous()


def _read(upload: Upload, read: Any, most: int) -> np.ndarray:
    """What `read` finds in the file, unless its head names too large a size."""
    content = io.BytesIO(upload.content())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            width, height = Image.open(content, formats=FORMATS).size
    except Exception:  # of the many kinds of faults `read` tells one in a sentence
        width = height = 0
    require_size(width, height, most, upload.shown)
    with upload.as_file() as path:
        return read(path)


def require_size(width: int, height: int, most: int, name: str) -> None:
    """Raise InputError for an image of more pixels, once padded, than a page takes."""
    if max(width, MIN_SIDE) * max(height, MIN_SIDE) <= most:
        return
    raise InputError(
        f"{name}: is {width}x{height}; a page answers soon for {most:,} pixels at "
        f"most, such as {isqrt(most)}x{isqrt(most)}. Cut out a part, or type: "
        "python scripts/infer.py --checkpoint C --input FILE"
    )
