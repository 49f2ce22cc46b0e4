"""What a prediction is worth: overlap, edges, regions, calibration, baselines."""

from .baselines import BlurThreshold, all_background, fit_blur_threshold
from .bootstrap import bootstrap_interval
from .calibration import calibration_bins, ece
from .confusion import (
    class_accuracy,
    confusion_matrix,
    confusion_per_image,
    dice,
    iou,
    mean_valid,
    pixel_accuracy,
    precision,
    recall,
    summary,
)
from .rand import components, pair_counts, v_rand
from .surface import (
    assd,
    boundary_f1,
    edge_distances,
    hausdorff,
    hd95,
    mask_edges,
    nsd,
    surface_scores,
)


__all__ = [
    "BlurThreshold",
    "all_background",
    "assd",
    "bootstrap_interval",
    "boundary_f1",
    "calibration_bins",
    "class_accuracy",
    "components",
    "confusion_matrix",
    "confusion_per_image",
    "dice",
    "ece",
    "edge_distances",
    "fit_blur_threshold",
    "hausdorff",
    "hd95",
    "iou",
    "mask_edges",
    "mean_valid",
    "nsd",
    "pair_counts",
    "pixel_accuracy",
    "precision",
    "recall",
    "summary",
    "surface_scores",
    "v_rand",
]
