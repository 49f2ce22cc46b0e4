"""Blank a rectangle of each image: cut-out and random erasing.

Used after normalisation, where the blank value 0 is the mean of the data.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def erase(
    images: Float[Tensor, "batch channel height width"],
    boxes: Int[Tensor, "batch 4"],
    value: float = 0.0,
) -> Float[Tensor, "batch channel height width"]:
    """Set the pixels inside (top, left, bottom, right) to `value`.

    Bottom and right are the first that stay. What is outside the image counts for
    nothing, and so does a box whose bottom is not below its top.
    """
    inside = box_mask(boxes, (images.shape[2], images.shape[3]))
    return images.masked_fill(inside[:, None], value)


@contract
def box_mask(
    boxes: Int[Tensor, "batch 4"], size: tuple[int, int]
) -> Bool[Tensor, "batch new_height new_width"]:
    """The pixels of each box (top, left, bottom, right) in an image of `size`."""
    rows, columns = (
        (torch.arange(length) >= boxes[:, axis, None])
        & (torch.arange(length) < boxes[:, axis + 2, None])
        for axis, length in enumerate(size)
    )
    return rows[:, :, None] & columns[:, None, :]


@contract
def cutout_boxes(
    down: Float[Tensor, " batch"],
    right: Float[Tensor, " batch"],
    side: int,
    size: tuple[int, int],
) -> Int[Tensor, "batch 4"]:
    """Squares about any pixel of the image (DeVries & Taylor 2017, arXiv 1708.04552).

    `down` and `right` are in [0, 1). Near the border a part lies outside, which the
    paper found to matter.
    """
    centre = torch.stack([down * size[0], right * size[1]], 1).long()
    corner = centre - side // 2
    return torch.cat([corner, corner + side], 1)


@contract
def erasing_boxes(
    area: Float[Tensor, " batch"],
    aspect: Float[Tensor, " batch"],
    down: Float[Tensor, " batch"],
    right: Float[Tensor, " batch"],
    size: tuple[int, int],
) -> Int[Tensor, "batch 4"]:
    """Rectangles inside the image (Zhong et al. 2020, arXiv 1708.04896, algorithm 1).

    Four numbers in [0, 1) each: the area is even in 2 to 40 % of the image, the aspect
    (height / width) in 0.3 to 1 / 0.3, as often below 1 as above, then the place. Where
    the paper draws again because a side is too long, the side is cut off.
    """
    pixels = (0.02 + 0.38 * area) * size[0] * size[1]
    ratio = ((2 * aspect - 1) * -math.log(0.3)).exp()
    tall = (pixels * ratio).sqrt().round().clamp(1, size[0]).long()
    wide = (pixels / ratio).sqrt().round().clamp(1, size[1]).long()
    top = (down * (size[0] - tall + 1)).long()
    left = (right * (size[1] - wide + 1)).long()
    return torch.stack([top, left, top + tall, left + wide], 1)
