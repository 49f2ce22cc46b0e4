"""Is the true class among the k that the model holds most likely?"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def top_k_correct(
    logits: Float[Tensor, "batch classes"], target: Int[Tensor, " batch"], k: int = 1
) -> Bool[Tensor, " batch"]:
    """Whether fewer than `k` classes stand before the true one, for each image.

    Of equal logits the class of the lower index stands before, as in `argmax`. NaN is
    the largest of all, and a true class with NaN is never right. Raises ValueError for
    a class or a `k` that the logits do not have.
    """
    classes = logits.shape[1]
    if not 1 <= k <= classes:
        raise ValueError(f"k is {k}, which is not in 1..{classes}")
    wrong = target[(target < 0) | (target >= classes)]
    if len(wrong):
        raise ValueError(
            f"target has class {wrong[0].item()}, which is not in 0..{classes - 1}"
        )
    own = logits.gather(1, target.long()[:, None])
    index = torch.arange(classes, device=logits.device)
    behind = (logits < own) | ((logits == own) & (index >= target[:, None]))
    return (~behind).sum(1) < k
