"""The panel `compare`: two checkpoints on one image, and where they disagree."""

import statistics
import time
from typing import Any

from ..data.images import show
from ..data.mask_values import format_value
from ..models.count import count_parameters
from ..utils.errors import InputError
from .segment import score
from .shelf import Loaded, Shelf
from .specimens import Specimen, probabilities
from .uploads import Upload


PATIENCE = 0.3
"""Seconds above which a prediction is timed once, not three times."""


class Compare:
    """Asked about the first checkpoint of the shelf and any other."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def start(self) -> dict[str, Any]:
        """The first model, and what it can be compared with."""
        return {**self.shelf.get().described(), "models": self.shelf.listed()}

    def run(
        self,
        other: str,
        example: str = "",
        image: Upload | None = None,
        mask: Upload | None = None,
    ) -> dict[str, Any]:
        """Both masks, their cost, and their scores where the truth is known."""
        first, second = self.shelf.get(), self.shelf.get(other)
        require_same_classes(first, second)
        specimen = first.specimen(example, image, mask)
        models = [_judge(loaded, specimen) for loaded in (first, second)]
        differ = models[0]["mask"] != models[1]["mask"]
        return {
            **specimen.described(),
            "models": models,
            "disagreement": differ.float().mean().item(),
        }


def require_same_classes(first: Loaded, second: Loaded) -> None:
    """Raise InputError if the masks of the two do not speak of the same classes."""
    if _classes(first) != _classes(second):
        raise InputError(
            f"{show(first.key)} knows the classes {_classes(first)}; "
            f"{show(second.key)} knows {_classes(second)}: choose a run with the same"
        )


def _classes(loaded: Loaded) -> str:
    info = loaded.predictor.info
    values = zip(info.class_names, info.mask_values, strict=True)
    return ", ".join(f"{name} ({format_value(value)})" for name, value in values)


def _judge(loaded: Loaded, specimen: Specimen) -> dict[str, Any]:
    seconds, predictor = [], loaded.predictor
    found = probabilities(predictor, specimen)  # the first pass of a size plans it
    while len(seconds) < 3 and (not seconds or seconds[0] < PATIENCE):
        begin = time.perf_counter()
        found = probabilities(predictor, specimen)
        seconds.append(time.perf_counter() - begin)
    mask = found.argmax(0)
    names = predictor.info.class_names
    return {
        "key": loaded.key,
        "kind": loaded.kind,
        "parameters": count_parameters(predictor.model),
        "milliseconds": 1000 * statistics.median(seconds),
        "mask": mask.byte(),
        "shares": [(mask == c).float().mean().item() for c in range(len(names))],
        "scores": score(mask, specimen.target, names),
    }
