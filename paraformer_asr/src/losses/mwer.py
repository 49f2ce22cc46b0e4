"""Minimum word error rate for a decoder that names all tokens at once."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def mwer_loss(
    logits: Float[Tensor, "batch tokens vocab"],
    tokens: Int[Tensor, "batch tokens"],
    token_lengths: Int[Tensor, " batch"],
    n: int = 4,
    generator: torch.Generator | None = None,
) -> Float[Tensor, ""]:
    """Mean over the batch of sum_i P(y_i) (W(y_i) - mean W)."""
    raise NotImplementedError
