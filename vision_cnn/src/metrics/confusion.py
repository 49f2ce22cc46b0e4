"""Counts first, ratios second: the scores of classes from one confusion matrix.

Rows are the truth, columns the prediction. Matrices are int64 and add up over batches
and processes; the ratios are float64 on the CPU and NaN where they are undefined
(scikit-learn's `zero_division=nan`): precision of a class that is never predicted,
recall of one without images, F1 of one with neither. A mean over classes leaves NaN out
and is NaN if nothing is left.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def confusion_matrix(
    pred: Int[Tensor, " batch"], target: Int[Tensor, " batch"], classes: int
) -> Int[Tensor, "classes classes"]:
    """Count the images of each pair of true and predicted class.

    Raises ValueError for a class outside 0..classes-1.
    """
    for name, labels in (("pred", pred), ("target", target)):
        wrong = labels[(labels < 0) | (labels >= classes)]
        if len(wrong):
            raise ValueError(
                f"{name} has class {wrong[0].item()}, which is not in 0..{classes - 1}"
            )
    cells = target.long() * classes + pred
    return torch.bincount(cells, minlength=classes**2).view(classes, classes)


@contract
def accuracy(confusion: Int[Tensor, "classes classes"]) -> float:
    """Share of the images whose class is right; NaN without images."""
    counts = confusion.cpu().double()
    return (counts.diagonal().sum() / counts.sum()).item()


@contract
def precision(
    confusion: Int[Tensor, "classes classes"],
) -> Float[Tensor, " classes"]:
    """Share of the images predicted as a class that are of it."""
    true_positives, predicted, _ = _counts(confusion)
    return true_positives / predicted


@contract
def recall(confusion: Int[Tensor, "classes classes"]) -> Float[Tensor, " classes"]:
    """Share of the images of a class that were found."""
    true_positives, _, present = _counts(confusion)
    return true_positives / present


@contract
def f1(confusion: Int[Tensor, "classes classes"]) -> Float[Tensor, " classes"]:
    """Harmonic mean of precision and recall: 2 tp / (predicted + present)."""
    true_positives, predicted, present = _counts(confusion)
    return 2 * true_positives / (predicted + present)


@contract
def macro(scores: Float[Tensor, " classes"]) -> float:
    """Mean over the classes whose score is defined, each counted once."""
    return scores.double().nanmean().item()


@contract
def weighted(
    scores: Float[Tensor, " classes"], images: Int[Tensor, " classes"]
) -> float:
    """Mean over the classes whose score is defined, by their numbers of true images.

    NaN if these have no image; scikit-learn gives the plain mean then.
    """
    defined = ~scores.isnan()
    share = images[defined].cpu().double()
    return ((scores[defined] * share).sum() / share.sum()).item()


@contract
def summary(confusion: Int[Tensor, "classes classes"]) -> dict[str, float]:
    """Accuracy, and macro and weighted precision, recall and F1, as plain numbers."""
    scores = {
        "precision": precision(confusion),
        "recall": recall(confusion),
        "f1": f1(confusion),
    }
    images = confusion.sum(1)
    return {
        "accuracy": accuracy(confusion),
        **{f"macro_{name}": macro(score) for name, score in scores.items()},
        **{f"weighted_{name}": weighted(s, images) for name, s in scores.items()},
    }


def _counts(confusion: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Per class: right, predicted and present images; float64 does not exist on MPS."""
    counts = confusion.cpu()
    return (
        counts.diagonal().double(),
        counts.sum(0).double(),
        counts.sum(1).double(),
    )
