"""Expected calibration error (Guo et al. 2017, eq. 3) from sums over batches."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.info import IGNORE_INDEX
from ..utils.contracts import contract


@contract
def calibration_bins(
    probabilities: Float[Tensor, "batch classes height width"],
    target: Int[Tensor, "batch height width"],
    bins: int = 15,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, "3 bins"]:
    """Per bin of confidence: number of pixels, sum of confidence, number of right ones.

    Bin i is [i, i + 1) / bins; a confidence of 1 is in the last. Raises ValueError for
    a confidence outside 0..1, as logits give.
    """
    confidence, pred = probabilities.max(1)
    counted = target != ignore_index
    right = (pred == target)[counted].cpu().double()
    confidence = confidence[counted].cpu().double()
    outside = confidence[~((confidence >= 0) & (confidence <= 1 + 1e-5))]
    if len(outside):
        raise ValueError(f"a confidence is {outside[0].item()}, which is not in 0..1")
    index = (confidence * bins).long().clamp(max=bins - 1)
    sums = [
        torch.bincount(index, weights=weights, minlength=bins)
        for weights in (torch.ones_like(confidence), confidence, right)
    ]
    return torch.stack(sums).double()


@contract
def ece(sums: Float[Tensor, "3 bins"]) -> float:
    """Mean over pixels of |accuracy - confidence| of their bin; NaN without pixels."""
    count, confidence, right = sums
    return ((right - confidence).abs().sum() / count.sum()).item()
