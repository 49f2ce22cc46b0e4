"""Images of any size in a network that halves its sides: pad before, crop after."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


MIN_SIDE = 16
"""Smallest height or width of an image that a model takes."""


@contract
def pad_sides(
    image: Float[Tensor, "batch channel height width"], stride: int
) -> Float[Tensor, "batch channel padded_height padded_width"]:
    """Pad both sides to a multiple of `stride`, and to at least two strides.

    With a single cell left at the bottleneck, instance norm, and batch norm of one
    image, are undefined. Mirrors where the image is longer than its padding, else
    repeats its edge. An image that fits is returned as it is.
    """
    height, width = image.shape[-2:]
    pads = []
    for side in (width, height):
        total = max(2, -(-side // stride)) * stride - side
        pads += [total // 2, total - total // 2]
    if not any(pads):
        return image
    mirror = max(pads[:2]) < width and max(pads[2:]) < height
    return F.pad(image, pads, mode="reflect" if mirror else "replicate")


@contract
def crop_sides(
    padded: Float[Tensor, "batch channel padded_height padded_width"],
    height: int,
    width: int,
) -> Float[Tensor, "batch channel {height} {width}"]:
    """Undo `pad_sides`."""
    top = (padded.shape[-2] - height) // 2
    left = (padded.shape[-1] - width) // 2
    return padded[..., top : top + height, left : left + width]
