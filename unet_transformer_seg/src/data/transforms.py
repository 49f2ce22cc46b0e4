"""Geometric transforms of an image together with its target."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def flip_horizontal(
    image: Float[Tensor, "channel height width"], target: Int[Tensor, "height width"]
) -> tuple[Float[Tensor, "channel height width"], Int[Tensor, "height width"]]:
    """Mirror left and right."""
    return image.flip(-1), target.flip(-1)


@contract
def flip_vertical(
    image: Float[Tensor, "channel height width"], target: Int[Tensor, "height width"]
) -> tuple[Float[Tensor, "channel height width"], Int[Tensor, "height width"]]:
    """Mirror top and bottom."""
    return image.flip(-2), target.flip(-2)


@contract
def rot90(
    image: Float[Tensor, "channel height width"],
    target: Int[Tensor, "height width"],
    turns: int,
) -> tuple[
    Float[Tensor, "channel new_height new_width"],
    Int[Tensor, "new_height new_width"],
]:
    """Turn by `turns` quarters, counter-clockwise; an odd number swaps the sides."""
    return torch.rot90(image, turns, (-2, -1)), torch.rot90(target, turns, (-2, -1))
