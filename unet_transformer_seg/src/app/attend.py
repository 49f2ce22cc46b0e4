"""The panel `attention`: what a token of the bottleneck looks at, and who looks at it.

The page gets the whole matrix of each layer and head, so that every pick of a pixel is
answered there. As bytes: a 255th of the largest weight of each row is fine enough to be
seen, and a quarter of the size.
"""

import math
from typing import Any

import torch
from torch import Tensor

from ..data.images import show
from ..inference.attention import look
from ..models.padding import MIN_SIDE
from ..utils.colours import rgb
from ..utils.errors import InputError
from ..utils.plots import YELLOW
from .shelf import Loaded, Shelf
from .specimens import pixels
from .uploads import Upload


MOST_WEIGHTS = 2**23
"""Of all layers and heads together; of a larger image the middle is looked at."""


class Attention:
    """Asked about any checkpoint of the shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def start(self, model: str = "") -> dict[str, Any]:
        """The model's layers and heads, its examples, and what else can be chosen.

        Without a choice: the first that the user named and that has attention.
        """
        attending = [k for k in self.shelf.named if self.shelf.get(k).attends]
        loaded = self.shelf.get(model or next(iter(attending), ""))
        net = loaded.predictor.model
        there = loaded.attends
        return {
            **loaded.described(),
            "models": self.shelf.listed(),
            "layers": net.layers if there else 0,
            "heads": net.heads if there else 0,
            "light": rgb(YELLOW),
            "without": "" if there else _without(loaded),
        }

    def maps(
        self, model: str = "", example: str = "", image: Upload | None = None
    ) -> dict[str, Any]:
        """The weights with which each token (row) looks at each, and where tokens lie.

        Raises InputError for a model without attention, and for too small an image.
        """
        loaded = self.shelf.get(model)
        predictor, net = loaded.predictor, loaded.predictor.model
        if not loaded.attends:
            raise InputError(_without(loaded))
        specimen = loaded.specimen(example, image)
        if min(specimen.image.shape[1:]) < MIN_SIDE:
            raise InputError(
                f"{specimen.name}: is {specimen.size}; attention needs sides of "
                f"{MIN_SIDE} pixels or more"
            )
        part, maps = look(predictor, specimen.image, largest_side(net), specimen.name)
        height, width = part.shape[1:]
        rows, columns = net.token_grid(height, width)
        weights, largest = as_bytes(maps)
        return {
            "name": specimen.name,
            "image": pixels(part),
            "weights": weights,
            "largest": largest,
            "spread": torch.special.entr(maps).sum(-1).exp(),
            "rows": rows,
            "columns": columns,
            "stride": net.stride,
            "top": (rows * net.stride - height) // 2,
            "left": (columns * net.stride - width) // 2,
            "whole": list(specimen.image.shape[1:]),
        }


def largest_side(net: torch.nn.Module) -> int:
    """Side in pixels of the largest square whose weights a page can hold."""
    tokens = math.isqrt(MOST_WEIGHTS // (net.layers * net.heads))
    return max(MIN_SIDE, math.isqrt(tokens) * net.stride)


def as_bytes(maps: Tensor) -> tuple[Tensor, Tensor]:
    """(weights as 0 to 255 of the largest of their row, that largest weight)."""
    largest = maps.amax(-1)
    return (maps / largest[..., None] * 255).round().to(torch.uint8), largest


def _without(loaded: Loaded) -> str:
    return (
        f"{show(loaded.key)} is a {loaded.kind}, which has no attention at its "
        "bottleneck: choose a run of a unet_transformer, or train one with "
        "configs/unet_transformer_cue.yaml."
    )
