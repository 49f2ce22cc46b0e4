"""The panel `compare`: two checkpoints on one image, and where they disagree."""

import math
import time
from typing import Any

import torch
from torch import Tensor

from ..data.images import show
from ..data.mask_values import format_value
from ..models.count import count_parameters
from ..utils.errors import InputError
from .segment import score
from .shelf import Loaded, Shelf
from .specimens import Specimen, most_pixels, probabilities, require_size
from .uploads import Upload


TURNS, PATIENCE = 6, 0.5
"""How often each model is timed at most, and the seconds after which it ends: after a
first turn that took twice as long there is no second."""


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
        height, width = specimen.image.shape[1:]
        require_size(width, height, most_pixels(second.predictor), specimen.name)
        predicted = _predicted((first, second), specimen)
        models = [
            _judged(loaded, *found, specimen)
            for loaded, found in zip((first, second), predicted, strict=True)
        ]
        differ = predicted[0][0] != predicted[1][0]
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


def _predicted(
    pair: tuple[Loaded, Loaded], specimen: Specimen
) -> list[tuple[Tensor, float]]:
    """Each model's mask, and the least seconds of a few turns: others disturb a turn.

    The models take turns, so that what disturbs one disturbs the other.
    """
    masks, least = [torch.empty(0)] * 2, [math.inf] * 2
    end = time.perf_counter() + PATIENCE
    for turn in range(TURNS):
        for i, loaded in enumerate(pair):
            begin = time.perf_counter()
            masks[i] = probabilities(loaded.predictor, specimen).argmax(0)
            least[i] = min(least[i], time.perf_counter() - begin)
        late = time.perf_counter() - end
        if late > 0 and (turn or late > PATIENCE):
            break  # the first turn plans the size, which matters where it is short
    return list(zip(masks, least, strict=True))


def _judged(
    loaded: Loaded, mask: Tensor, seconds: float, specimen: Specimen
) -> dict[str, Any]:
    names = loaded.predictor.info.class_names
    return {
        "key": loaded.key,
        "kind": loaded.kind,
        "parameters": count_parameters(loaded.predictor.model),
        "milliseconds": 1000 * seconds,
        "mask": mask.byte(),
        "shares": [(mask == c).float().mean().item() for c in range(len(names))],
        "scores": score(mask, specimen.target, names),
    }
