"""How many tokens were counted, against how many there are."""

from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def quantity_loss(
    counts: Float[Tensor, " batch"], token_lengths: Int[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Mean over the utterances of |n_b - U_b| / max(U_b, 1), n the unscaled sum."""
    miss = (counts - token_lengths).abs() / token_lengths.clamp(min=1)
    return miss.mean()
