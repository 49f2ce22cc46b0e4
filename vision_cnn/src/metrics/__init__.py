"""What a classifier is worth: counts, ranks, calibration and comparisons."""

from .calibration import (
    brier,
    calibration_bins,
    ece,
    fit_temperature,
    max_calibration_error,
    nll,
)
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
from .roc import binary_roc_auc, roc_auc
from .significance import McNemar, difference_interval, mcnemar, wilson_interval
from .top_k import top_k_correct


__all__ = [
    "McNemar",
    "accuracy",
    "binary_roc_auc",
    "brier",
    "calibration_bins",
    "confusion_matrix",
    "difference_interval",
    "ece",
    "f1",
    "fit_temperature",
    "macro",
    "max_calibration_error",
    "mcnemar",
    "nll",
    "precision",
    "recall",
    "roc_auc",
    "summary",
    "top_k_correct",
    "weighted",
    "wilson_interval",
]
