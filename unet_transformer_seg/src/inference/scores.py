"""Every metric of a set of images, whoever predicted them: a model or a baseline.

Counts add up over images and ratios come last. What is undefined for an image, such as
the distance of a class that is in neither mask, leaves the mean; how many remain is
said.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from ..data.info import IGNORE_INDEX
from ..metrics.bootstrap import bootstrap_interval
from ..metrics.confusion import (
    confusion_matrix,
    dice,
    iou,
    mean_valid,
    pixel_accuracy,
    precision,
    recall,
    summary,
)
from ..metrics.rand import v_rand
from ..metrics.surface import surface_scores
from ..utils.contracts import contract


SURFACE = ("boundary_f1", "hd95", "assd", "nsd")
TOLERANCE = 2.0
"""Pixels by which an edge may be off in boundary F1 and NSD."""


class Scores:
    """Collects images one by one, then gives plain numbers."""

    def __init__(self, class_names: Sequence[str]):
        self.class_names = tuple(class_names)
        self.confusions: list[Tensor] = []
        self.rows: list[dict[str, Any]] = []

    @contract
    def add(
        self,
        name: str,
        prediction: Int[Tensor, "height width"],
        target: Int[Tensor, "height width"],
    ) -> float:
        """Score one image; gives its mean Dice without background, NaN if undefined."""
        classes = len(self.class_names)
        confusion = confusion_matrix(prediction[None], target[None], classes)
        both = {"dice": dice(confusion), "iou": iou(confusion)}
        row = {"name": name, "pixel_accuracy": pixel_accuracy(confusion).item()}
        row |= {
            f"{metric}_fg": mean_valid(values[1:])[0] for metric, values in both.items()
        }
        for metric, values in both.items():
            row |= {
                f"{metric}/{self.class_names[c]}": values[c].item()
                for c in range(classes)
            }
        counted = target != IGNORE_INDEX
        for c in range(1, classes):
            surface = surface_scores(
                (prediction == c) & counted, (target == c) & counted, TOLERANCE
            )
            row |= {
                f"{metric}/{self.class_names[c]}": surface[metric] for metric in SURFACE
            }
        if classes == 2:
            row["v_rand"] = v_rand((prediction == 0) & counted, (target == 0) & counted)
        self.confusions.append(confusion)
        self.rows.append(row)
        return row["dice_fg"]

    @property
    def confusion(self) -> Tensor:
        """Pooled counts (classes, classes), rows truth, columns prediction."""
        return torch.stack(self.confusions).sum(0)

    def numbers(self) -> dict[str, Any]:
        """All metrics as plain numbers: `summary`, per class, and the interval."""
        pooled = self.confusion
        ratios = {
            "dice": dice(pooled),
            "iou": iou(pooled),
            "precision": precision(pooled),
            "recall": recall(pooled),
        }
        per_class = {}
        for c, name in enumerate(self.class_names):
            per_class[name] = {
                metric: values[c].item() for metric, values in ratios.items()
            }
            per_class[name]["pixels"] = int(pooled[c].sum())
            in_truth = torch.stack(
                [confusion[c].sum() > 0 for confusion in self.confusions]
            )
            per_class[name]["images_with_class"] = int(in_truth.sum())
            for metric in SURFACE if c else ():
                per_class[name][metric] = self._mean(f"{metric}/{name}")
        result = summary(pooled, torch.stack(self.confusions))
        result["image_dice_fg_interval_95"] = list(
            bootstrap_interval(
                torch.tensor([row["dice_fg"] for row in self.rows]).double()
            )
        )
        if len(self.class_names) == 2:
            result["v_rand"] = self._mean("v_rand")
        result["classes"] = per_class
        return result

    def _mean(self, column: str) -> dict[str, float | int]:
        """Mean over the images where it is finite, their number, and how many are not.

        A distance is infinite where one of the two masks has none of the class.
        """
        values = torch.tensor([row[column] for row in self.rows], dtype=torch.float64)
        mean, valid = mean_valid(values[~values.isinf()])
        return {"mean": mean, "valid": valid, "infinite": int(values.isinf().sum())}
