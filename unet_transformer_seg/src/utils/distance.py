"""Exact Euclidean distance transform, for boundary losses and surface metrics.

Separable (Saito & Toriwaki 1994): d^2(y, x) = min over rows v of (y - v)^2 + g(v, x)^2,
where g(v, x) is the distance to the nearest True inside row v. All in int32, so exact.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .contracts import contract


LONGEST = 20_000
"""Longest side in pixels, so that sums of two squares stay well inside int32."""
FAR = 1_000_000_000
"""Stands for the squared distance to nothing; above 2 LONGEST^2 = 8e8."""


@contract
def distance_transform(
    mask: Bool[Tensor, "batch height width"], *, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "batch height width"]:
    """Distance in pixels from each pixel to the nearest True; inf where there is none.

    The depth inside an object is the distance transform of the inverted mask. float32
    is right to 2e-7 of the value; float64 gives `scipy.ndimage`'s numbers.
    Memory: three int32 images a mask. Time grows with the largest distance.
    """
    height, width = mask.shape[1:]
    if max(height, width) > LONGEST:
        raise ValueError(f"mask is {height}x{width}; sides go up to {LONGEST} pixels")
    squared = _within_rows(mask)
    _across_rows(squared, limit=height)
    return squared.to(dtype).sqrt_().masked_fill_(squared == FAR, torch.inf)


def _within_rows(mask: Tensor) -> Tensor:
    """Squared distance to the nearest True of the same row, FAR where there is none."""
    none = -2 * LONGEST
    column = torch.arange(mask.shape[2], dtype=torch.int32, device=mask.device)

    def to_the_left(mask: Tensor) -> Tensor:
        return column - torch.where(mask, column, none).cummax(2).values

    distance = torch.minimum(to_the_left(mask), to_the_left(mask.flip(2)).flip(2))
    return (distance * distance).masked_fill_(distance > LONGEST, FAR)


def _across_rows(squared: Tensor, limit: int) -> None:
    """Lower `squared` in place to the least of g(v, x)^2 + (y - v)^2 over all rows v.

    Row by row away from y; done when no (y - v)^2 is below what has been found already.
    """
    shifted = squared.clone()  # g^2 + k^2
    found = (squared < FAR).any(2).any(1)[:, None, None]
    for k in range(1, limit):
        if k % 8 == 1 and k * k >= squared.masked_fill(~found, 0).amax():
            return
        shifted += 2 * k - 1
        torch.minimum(squared[:, k:], shifted[:, :-k], out=squared[:, k:])
        torch.minimum(squared[:, :-k], shifted[:, k:], out=squared[:, :-k])
