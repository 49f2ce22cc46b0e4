"""Is a classifier right as often as it says? Bins of confidence that add up.

Expected and maximum calibration error of the predicted class (Guo et al. 2017, eq. 3
and 5), the Brier score (1950) and the negative log-likelihood of the true one, and the
temperature that Guo et al. (section 4.2) divide the logits by.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def calibration_bins(
    probabilities: Float[Tensor, "batch classes"],
    target: Int[Tensor, " batch"],
    bins: int = 15,
) -> Float[Tensor, "3 bins"]:
    """Per bin of confidence: number of images, sum of confidence, number of hits.

    Bin i is [i, i + 1) / bins; a confidence of 1 is in the last. The sums of batches
    add up. Raises ValueError for a confidence outside 0..1, as logits and NaN give.
    """
    confidence, pred = probabilities.detach().max(1)
    right = (pred == target).cpu().double()
    confidence = confidence.cpu().double()
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
    """Mean over images of |accuracy - confidence| of their bin; NaN without images."""
    count, confidence, right = sums.double()
    return ((right - confidence).abs().sum() / count.sum()).item()


@contract
def max_calibration_error(sums: Float[Tensor, "3 bins"]) -> float:
    """Largest |accuracy - confidence| of a bin with images; NaN without images.

    A bin of one image can have it: read it beside the counts.
    """
    count, confidence, right = sums[:, sums[0] > 0].double()
    gaps = (right - confidence).abs() / count
    return gaps.max().item() if len(gaps) else math.nan


@contract
def brier(
    probabilities: Float[Tensor, "batch classes"], target: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Squared distance of the probabilities of each image from the truth: 0 to 2."""
    truth = torch.nn.functional.one_hot(target.long(), probabilities.shape[1])
    return (probabilities.double() - truth).square().sum(1)


@contract
def nll(
    logits: Float[Tensor, "batch classes"], target: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Negative log-likelihood of the true class of each image, in nats."""
    log_probabilities = logits.double().log_softmax(1)
    return -log_probabilities.gather(1, target.long()[:, None])[:, 0]


@contract
def fit_temperature(
    logits: Float[Tensor, "batch classes"],
    target: Int[Tensor, " batch"],
    limit: float = 100.0,
) -> float:
    """The T in 1/limit..limit for which softmax(logits / T) is most likely.

    Above 1 the model was too sure of itself. In b = 1/T the likelihood is concave with
    the slope sum(z_true - E[z]), whose zero is found by halving the range of log b. All
    images right: 1/limit. NaN without images.
    """
    if not len(logits):
        return math.nan
    logits = logits.detach().double()
    own = logits.gather(1, target.long()[:, None])[:, 0]
    low, high = -math.log(limit), math.log(limit)
    for _ in range(50):
        middle = (low + high) / 2
        expected = ((logits * math.exp(middle)).softmax(1) * logits).sum(1)
        if (own - expected).sum() >= 0:
            low = middle
        else:
            high = middle
    return math.exp(-(low + high) / 2)
