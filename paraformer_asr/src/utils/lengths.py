"""Sequences of different lengths in one tensor."""

from jaxtyping import Bool, Int
from torch import Tensor, arange

from .contracts import contract


@contract
def length_mask(
    lengths: Int[Tensor, " batch"], size: int
) -> Bool[Tensor, "batch {size}"]:
    """True at the real positions, False behind the end of each row."""
    return arange(size, device=lengths.device) < lengths[:, None]
