"""Parts of the transforms: mirrored indices, smoothing, and sampling at any place."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract
from .info import IGNORE_INDEX


@contract
def warp(
    image: Float[Tensor, "channel height width"],
    target: Int[Tensor, "height width"],
    rows: Float[Tensor, "new_height new_width"],
    columns: Float[Tensor, "new_height new_width"],
) -> tuple[
    Float[Tensor, "channel new_height new_width"],
    Int[Tensor, "new_height new_width"],
]:
    """Sample at source coordinates in pixels: image bilinear, target nearest.

    Outside the source the image is mirrored and the target is IGNORE_INDEX.
    """
    height, width = target.shape
    # grid_sample counts from -1 to 1 between the outer edges of the image
    place = torch.stack(((2 * columns + 1) / width, (2 * rows + 1) / height), dim=-1)
    sampled = F.grid_sample(
        image[None],
        place[None] - 1,
        mode="bilinear",
        padding_mode="reflection",
        align_corners=False,
    )[0]
    row, column = (rows + 0.5).floor().long(), (columns + 0.5).floor().long()
    outside = (row < 0) | (row >= height) | (column < 0) | (column >= width)
    index = row.clamp_(0, height - 1).mul_(width).add_(column.clamp_(0, width - 1))
    taken = target.reshape(-1)[index]
    return sampled, taken.masked_fill_(outside, IGNORE_INDEX)


@contract
def smooth(
    image: Float[Tensor, "channel height width"], sigma: float
) -> Float[Tensor, "channel height width"]:
    """Gaussian of `sigma` pixels cut at 4 sigma, the border mirrored."""
    if sigma < 0:
        raise ValueError(f"sigma is {sigma}; zero or more pixels")
    radius = int(4 * sigma + 0.5)
    if radius == 0:
        return image
    offset = torch.arange(-radius, radius + 1, dtype=torch.float64)
    kernel = torch.exp(-0.5 * (offset / sigma) ** 2)
    weights = (kernel / kernel.sum()).tolist()
    for axis in (1, 2):
        length = image.shape[axis]
        index = mirror(torch.arange(-radius, length + radius), length)
        wide = image.index_select(axis, index)
        # one shifted sum a weight: four times as fast on a CPU as F.conv2d
        image = weights[0] * wide.narrow(axis, 0, length)
        for shift in range(1, 2 * radius + 1):
            image.add_(wide.narrow(axis, shift, length), alpha=weights[shift])
    return image


def mirror(index: Tensor, length: int) -> Tensor:
    """Any whole number as an index into `length` pixels: `c b a | a b c | c b a`."""
    folded = index.remainder(2 * length)
    return torch.minimum(folded, 2 * length - 1 - folded)


def nearest(count: int, length: int) -> Tensor:
    """For each of `count` new pixels the old pixel, of `length`, below its centre."""
    centre = (torch.arange(count, dtype=torch.float64) + 0.5) * (length / count)
    return centre.floor().long().clamp_(max=length - 1)
