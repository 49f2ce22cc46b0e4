"""Images of any size through a model, in memory bounded by a row of tiles.

Steps and Gaussian blending as in nnU-Net (Isensee et al. 2021): steps are spread evenly
so that the last tile ends at the border, and the probabilities of a pixel are the
weighted mean over the tiles that cover it. The weights are scaled beforehand to sum to
one at each pixel, so that rows are final, and leave, as soon as no later tile touches
them.
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


Probabilities = Callable[[Tensor], Tensor]
"""From images (batch, channel, height, width) to (batch, classes, height, width)."""


def tile_starts(size: int, tile: int, overlap: float = 0.5) -> list[int]:
    """First pixel of each tile along a side: 110 pixels by 64 at 0.5 give 0, 23, 46.

    Neighbours overlap by the share `overlap`, 0 to below 1, or more.
    """
    if tile < 1 or not 0 <= overlap < 1:
        raise ValueError(
            f"tile {tile} and overlap {overlap}: need >= 1 and 0 <= overlap < 1"
        )
    if size <= tile:
        return [0]
    step = max(1, int(tile * (1 - overlap)))
    gaps = -(-(size - tile) // step)
    return [round(i * (size - tile) / gaps) for i in range(gaps + 1)]


def strips(
    probabilities: Probabilities, image: Tensor, tile: int, overlap: float = 0.5
) -> Iterator[tuple[int, Tensor]]:
    """Yield (first row, probabilities (classes, rows, width)), each row once.

    From top to bottom. `image` is CHW; tile 0 does it in one piece.
    """
    height, width = image.shape[-2:]
    if tile == 0 or max(height, width) <= tile:
        yield 0, probabilities(image[None])[0]
        return
    tops, row_weights = _blending(height, tile, overlap, image.device)
    lefts, column_weights = _blending(width, tile, overlap, image.device)
    waiting = None  # rows that a later tile still touches
    for i, top in enumerate(tops):
        band = None
        for j, left in enumerate(lefts):
            part = image[None, :, top : top + tile, left : left + tile]
            weight = row_weights[i][:, None] * column_weights[j]
            done = probabilities(part)[0] * weight
            if band is None:
                band = done.new_zeros(len(done), done.shape[1], width)
            band[:, :, left : left + tile] += done
        if waiting is not None:
            band[:, : waiting.shape[1]] += waiting
        rows = (tops[i + 1] if i + 1 < len(tops) else height) - top
        yield top, band[:, :rows]
        waiting = band[:, rows:].clone()


@contract
def blending_profile(size: int) -> Float[Tensor, " size"]:
    """Gaussian over a tile's side, sigma an eighth of it: 1 to 3e-4 at the ends.

    Never zero: a pixel at the border of the image has no other tile to rely on.
    """
    centre, sigma = (size - 1) / 2, size / 8
    offset = (torch.arange(size) - centre) / sigma
    return torch.exp(-0.5 * offset**2)


def _blending(
    size: int, tile: int, overlap: float, device: torch.device
) -> tuple[list[int], list[Tensor]]:
    """Starts of the tiles along a side; their weights, which sum to 1 at each pixel."""
    starts = tile_starts(size, tile, overlap)
    profile = blending_profile(min(tile, size))
    total = torch.zeros(size)
    for start in starts:
        total[start : start + tile] += profile
    weights = [(profile / total[start : start + tile]).to(device) for start in starts]
    return starts, weights
