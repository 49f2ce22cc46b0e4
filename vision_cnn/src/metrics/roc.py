"""Area under the ROC curve from ranks (Hanley & McNeil 1982).

It is the chance that a positive image scores higher than a negative one, a tie counted
half: (R - p (p + 1) / 2) / (p n), where R sums the ranks of the p positives among all
p + n images and equal scores share the mean of their ranks. One class against the rest;
of two classes whose probabilities sum to one both areas are equal.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def roc_auc(
    scores: Float[Tensor, "batch classes"], target: Int[Tensor, " batch"]
) -> Float[Tensor, " classes"]:
    """The area of each class against the rest; average with `macro` or `weighted`.

    NaN for a class that no image or every image has. Raises ValueError for a NaN score
    and for a class that the scores do not have.
    """
    classes = scores.shape[1]
    wrong = target[(target < 0) | (target >= classes)]
    if len(wrong):
        raise ValueError(
            f"target has class {wrong[0].item()}, which is not in 0..{classes - 1}"
        )
    areas = [binary_roc_auc(scores[:, c], target == c) for c in range(classes)]
    return torch.tensor(areas, dtype=torch.float64)


@contract
def binary_roc_auc(
    score: Float[Tensor, " batch"], positive: Bool[Tensor, " batch"]
) -> float:
    """The area of one score; NaN unless there are positive and negative images."""
    score, positive = score.detach().cpu().contiguous(), positive.cpu()
    if score.isnan().any():
        place = score.isnan().nonzero()[0].item()
        raise ValueError(f"score {place} is NaN, which has no rank")
    ordered = score.sort().values
    below = torch.searchsorted(ordered, score)
    up_to = torch.searchsorted(ordered, score, right=True)
    twice_the_rank = below + up_to + 1  # whole numbers: no rounding in the sum
    p, n = int(positive.sum()), int((~positive).sum())
    if not p or not n:
        return float("nan")
    return (int(twice_the_rank[positive].sum()) - p * (p + 1)) / (2 * p * n)
