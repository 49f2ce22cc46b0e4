"""What the panel `mistakes` asks: where a model is wrong, and whether it knows it.

One stream scores a part of a split and ends with all that the page needs: it filters
the gallery by a cell of the matrix, sorts it and draws the reliability itself.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from ..inference.predictor import Predictor
from ..inference.scores import Predictions
from ..metrics import (
    accuracy,
    calibration_bins,
    confusion_matrix,
    ece,
    wilson_interval,
)
from .opened import Opened
from .page import Question
from .scored import Part, part_of, predict, tiles


IMAGES = 500
"""Scored when the panel is opened."""
MOST = 5000
WRONG = 400
"""Mistakes with a picture: the surest."""
RIGHT = 12
"""Hits of each class with a picture: the least sure."""


class Mistakes:
    """The questions of the panel; each is a pure function of its parameters."""

    def __init__(self, opened: Opened):
        self.opened = opened
        self.predictor = Predictor(opened.model, opened.config, opened.info)

    def start(self) -> dict[str, Any]:
        """The splits with their sizes, and which one is for the end."""
        return {
            "splits": [[n, len(s)] for n, s in self.opened.splits.items() if len(s)],
            "split": self.opened.split,
            "images": IMAGES,
            "most": MOST,
            "class_names": list(self.opened.info.class_names),
            "checkpoint": str(self.opened.path),
        }

    def score(self, split: str, images: int = IMAGES) -> Iterator[dict[str, Any]]:
        """{"done", "of"} after each batch, then the whole."""
        part = part_of(self.opened.splits, split, min(images, MOST))
        for found in predict(self.predictor, part):
            if isinstance(found, Predictions):
                yield self._about(part, found)
            else:
                yield {"done": found, "of": len(part.indices)}

    def exported(self) -> Iterable[Question]:
        """The panel as it opens."""
        return [
            ("mistakes/start", {}),
            ("mistakes/score", {"split": self.opened.split, "images": IMAGES}),
        ]

    def _about(self, part: Part, seen: Predictions) -> dict[str, Any]:
        names = self.opened.info.class_names
        confusion = confusion_matrix(seen.predicted, seen.target, len(names))
        right = int(seen.right.sum())
        return {
            "split": part.split,
            "images": len(part.indices),
            "of": len(part.dataset),
            "right": right,
            "accuracy": accuracy(confusion),
            "interval": list(wilson_interval(right, len(part.indices))),
            "ece": ece(calibration_bins(seen.probabilities, seen.target)),
            "confusion": confusion.int(),
            "confidences": seen.probabilities.max(1).values.tolist(),
            "hits": seen.right.byte(),
            "tiles": tiles(part, seen, worst_first(seen), names),
        }


def worst_first(seen: Predictions) -> list[int]:
    """The surest mistakes, then of each class the least sure hits."""
    sure, right = seen.probabilities.max(1).values, seen.right
    wrong = _sorted(sure, ~right, descending=True)[:WRONG]
    hits = [
        place
        for label in seen.target.unique()
        for place in _sorted(sure, right & (seen.target == label))[:RIGHT]
    ]
    return wrong + sorted(hits, key=lambda place: float(sure[place]))


def _sorted(sure: Tensor, chosen: Tensor, descending: bool = False) -> list[int]:
    places = chosen.nonzero()[:, 0]
    order = torch.argsort(sure[places], descending=descending, stable=True)
    return places[order].tolist()
