"""Cross entropy where some images count more than others."""

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from ..utils.contracts import contract


@contract
def weighted_cross_entropy(
    logits: Float[Tensor, "batch classes"],
    target: Int[Tensor, " batch"],
    weight: Float[Tensor, " batch"],
    label_smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Sum of weight times cross entropy, over the sum of the weights."""
    nll = F.cross_entropy(
        logits, target, reduction="none", label_smoothing=label_smoothing
    )
    return (weight * nll).sum() / weight.sum()
