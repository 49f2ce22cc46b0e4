"""What a classifier got right: counts first, ratios second, NaN where undefined."""

from .confusion import accuracy, confusion_matrix, precision, recall
from .interval import wilson_interval


__all__ = ["accuracy", "confusion_matrix", "precision", "recall", "wilson_interval"]
