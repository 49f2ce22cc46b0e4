"""Flips and quarter turns at test time: the mean over the square's symmetries (D4)."""

from collections.abc import Callable

import torch
from jaxtyping import Num
from torch import Tensor

from ..utils.contracts import contract
from .tiled import Probabilities


@contract
def dihedral(
    image: Num[Tensor, "*axes height width"], turns: int, mirrored: bool
) -> Num[Tensor, "*axes turned_height turned_width"]:
    """Mirror left and right if `mirrored`, then turn by `turns` quarters."""
    image = image.flip(-1) if mirrored else image
    return torch.rot90(image, turns, (-2, -1))


@contract
def undo_dihedral(
    image: Num[Tensor, "*axes height width"], turns: int, mirrored: bool
) -> Num[Tensor, "*axes turned_height turned_width"]:
    """Bring back what `dihedral` moved."""
    image = torch.rot90(image, -turns, (-2, -1))
    return image.flip(-1) if mirrored else image


def with_symmetries(probabilities: Probabilities) -> Callable[[Tensor], Tensor]:
    """The mean of `probabilities` over the eight symmetric copies of its input."""

    def mean(image: Tensor) -> Tensor:
        total = 0.0
        for mirrored in (False, True):
            for turns in range(4):
                moved = probabilities(dihedral(image, turns, mirrored))
                total = total + undo_dihedral(moved, turns, mirrored)
        return total / 8

    return mean
