"""How many tokens were counted, against how many there are."""

from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def quantity_loss(
    counts: Float[Tensor, " batch"], token_lengths: Int[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """sum_b |n_b - U_b| / sum_b U_b, n the unscaled sum of the weights.

    No token in the whole batch: the sum itself.
    """
    miss = (counts - token_lengths).abs().sum()
    return miss / token_lengths.sum().clamp(min=1)
