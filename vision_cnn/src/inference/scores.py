"""Every metric of a set of images from its logits, as plain numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from ..metrics import (
    brier,
    calibration_bins,
    confusion_matrix,
    difference_interval,
    ece,
    f1,
    fit_temperature,
    macro,
    max_calibration_error,
    mcnemar,
    nll,
    precision,
    recall,
    roc_auc,
    summary,
    top_k_correct,
    weighted,
    wilson_interval,
)
from ..utils.contracts import contract


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model says of a set of images, and what is true."""

    names: Sequence[str]
    target: Tensor
    """int64 (images)."""
    logits: Tensor
    """float32 (images, classes)."""

    @property
    def predicted(self) -> Tensor:
        return self.logits.argmax(1)

    @property
    def right(self) -> Tensor:
        return self.predicted == self.target

    @property
    def probabilities(self) -> Tensor:
        """Float64, so that two images seldom tie at 1."""
        return self.logits.double().softmax(1)


@contract
def scores(
    logits: Float[Tensor, "batch classes"],
    target: Int[Tensor, " batch"],
    class_names: Sequence[str],
) -> dict[str, Any]:
    """Numbers of the set, "classes" with a row for each class, and the confusion.

    `temperature` is the one that these very images would ask for: above 1 the model is
    too sure of itself. NaN where a number is undefined.
    """
    probabilities, classes = logits.double().softmax(1), len(class_names)
    predicted = logits.argmax(1)
    confusion = confusion_matrix(predicted, target, classes)
    right, images = int((predicted == target).sum()), len(target)
    areas = roc_auc(probabilities, target)
    bins = calibration_bins(probabilities, target)
    numbers = {
        "images": images,
        "right": right,
        **summary(confusion),
        "accuracy_interval_95": list(wilson_interval(right, images)),
        "loss": nll(logits, target).mean().item(),
        "macro_roc_auc": macro(areas),
        "weighted_roc_auc": weighted(areas, confusion.sum(1)),
        "ece": ece(bins),
        "max_calibration_error": max_calibration_error(bins),
        "brier": brier(probabilities, target).mean().item(),
        "temperature": fit_temperature(logits, target),
    }
    if classes > 5:
        numbers["top5"] = top_k_correct(logits, target, 5).double().mean().item()
    return {
        **numbers,
        "classes": _per_class(confusion, areas, class_names),
        "confusion": confusion.tolist(),
        "calibration_bins": bins.tolist(),
    }


@contract
def compare(
    logits_a: Float[Tensor, "batch classes"],
    logits_b: Float[Tensor, "batch classes"],
    target: Int[Tensor, " batch"],
    class_names: Sequence[str],
) -> dict[str, Any]:
    """Is A better than B on the same images, or was it luck? By class, too."""
    classes = len(class_names)
    right_a, right_b = (x.argmax(1) == target for x in (logits_a, logits_b))
    found_a, found_b = (
        recall(confusion_matrix(x.argmax(1), target, classes)).tolist()
        for x in (logits_a, logits_b)
    )
    test = mcnemar(right_a, right_b)
    shares = [x.double().mean().item() for x in (right_a, right_b)]
    return {
        "accuracy": shares[1],
        "accuracy_interval_95": list(wilson_interval(int(right_b.sum()), len(target))),
        "difference": shares[0] - shares[1],
        "difference_interval_95": list(difference_interval(right_a, right_b)),
        "only_this_right": test.only_a,
        "only_other_right": test.only_b,
        "mcnemar_p": test.p,
        "mcnemar_method": test.method,
        "classes": [
            {"name": name, "recall": a, "recall_other": b, "difference": a - b}
            for name, a, b in zip(class_names, found_a, found_b, strict=True)
        ],
    }


def _per_class(
    confusion: Tensor, areas: Tensor, class_names: Sequence[str]
) -> list[dict[str, Any]]:
    columns = {
        "images": confusion.sum(1),
        "predicted": confusion.sum(0),
        "precision": precision(confusion),
        "recall": recall(confusion),
        "f1": f1(confusion),
        "roc_auc": areas,
    }
    taken, count = _most_taken_for(confusion, class_names)
    return [
        {"name": name}
        | {column: values[i].item() for column, values in columns.items()}
        | {"taken_for": taken[i], "taken_for_images": count[i]}
        for i, name in enumerate(class_names)
    ]


def _most_taken_for(
    confusion: Tensor, class_names: Sequence[str]
) -> tuple[list[str | None], list[int]]:
    """Of each class the wrong one that it is most often named, and how often."""
    off = confusion.clone().fill_diagonal_(0)
    count, index = off.max(1)
    names = [class_names[i] if n else None for i, n in zip(index, count, strict=True)]
    return names, count.tolist()
