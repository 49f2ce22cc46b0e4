"""What a classifier is worth: counts, ranks, calibration and comparisons."""

from .confusion import (
    accuracy,
    confusion_matrix,
    f1,
    macro,
    precision,
    recall,
    summary,
    weighted,
)
from .top_k import top_k_correct


__all__ = [
    "accuracy",
    "confusion_matrix",
    "f1",
    "macro",
    "precision",
    "recall",
    "summary",
    "top_k_correct",
    "weighted",
]
