"""The panel `segment`: what the model sees in an image, and how right it is.

The page gets the probability of each class at each pixel. Masks, entropy, confidence
and what a temperature or a threshold would change are arithmetic on them, done there.
"""

from typing import Any

from torch import Tensor

from ..inference.scores import Scores
from ..utils.colours import rgb
from ..utils.pictures import FALSE_NEGATIVE, FALSE_POSITIVE, HIT, WRONG_CLASS
from .shelf import Shelf
from .specimens import probabilities
from .uploads import Upload


class Segment:
    """Asked about the first checkpoint of the shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def start(self) -> dict[str, Any]:
        """The classes, the examples, and the colours of the errors."""
        return {**self.shelf.get().described(), "errors": error_colours()}

    def run(
        self, example: str = "", image: Upload | None = None, mask: Upload | None = None
    ) -> dict[str, Any]:
        """The probabilities of an example or a dropped image; scores beside a mask."""
        loaded = self.shelf.get()
        specimen = loaded.specimen(example, image, mask)
        found = probabilities(loaded.predictor, specimen)
        names = loaded.predictor.info.class_names
        scores = score(found.argmax(0), specimen.target, names)
        return {**specimen.described(), "probabilities": found, "scores": scores}


def error_colours() -> dict[str, tuple[int, int, int]]:
    """As the galleries of `eval` have them."""
    return {
        "true positive": rgb(HIT),
        "false positive": rgb(FALSE_POSITIVE),
        "false negative": rgb(FALSE_NEGATIVE),
        "wrong class": rgb(WRONG_CLASS),
    }


def score(
    mask: Tensor, target: Tensor | None, names: tuple[str, ...]
) -> dict[str, Any] | None:
    """What `eval` would say of this one image; None where the truth is not known."""
    if target is None:
        return None
    scores = Scores(names)
    scores.add("image", mask, target)
    numbers, row = scores.numbers(), scores.rows[0]
    classes = [
        {
            "name": name,
            **{key: numbers["classes"][name][key] for key in RATIOS},
            **{key: _shown(row.get(f"{key}/{name}")) for key in EDGES},
        }
        for name in names
    ]
    means = {key: numbers[key] for key in ("mean_iou", "mean_dice", "pixel_accuracy")}
    return {**means, "classes": classes}


RATIOS = ("iou", "dice", "precision", "recall", "pixels")
EDGES = ("boundary_f1", "hd95")


def _shown(value: float | None) -> float | str | None:
    """The distance to a class that one mask lacks is infinite: a text, for JSON."""
    return "∞" if value == float("inf") else value
