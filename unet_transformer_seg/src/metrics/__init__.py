"""What a prediction is worth: overlap, distance of edges, regions, calibration, baselines."""

from .confusion import (
    class_accuracy,
    confusion_matrix,
    confusion_per_image,
    dice,
    image_sums,
    image_summary,
    iou,
    mean_valid,
    pixel_accuracy,
    precision,
    recall,
    summary,
)

__all__ = [
    "class_accuracy",
    "confusion_matrix",
    "confusion_per_image",
    "dice",
    "image_summary",
    "image_sums",
    "iou",
    "mean_valid",
    "pixel_accuracy",
    "precision",
    "recall",
    "summary",
]
