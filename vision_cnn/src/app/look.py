"""What the panel `look` asks: classes of an image, and every layer with its numbers.

An answer about a layer holds all that a click on one of its units needs: what came in,
the kernels and the rule. So the page multiplies patch and kernel itself, at once and
also in a saved file.
"""

import math
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from ..explain.feature_maps import layers_across, strength
from ..explain.layers import as_map, evaluating, find_layer, layer_shapes
from ..models.receptive_field import Field
from ..models.trace import Layer, trace
from ..utils.errors import InputError
from .opened import Opened
from .page import Question
from .rules import Seen, rule
from .uploads import Upload


SHOWN = 64
"""Channels of a layer that the page gets: the strongest for the image."""
TOP = 10
EXAMPLES = 12
SAVED = 4
"""Images of a saved file..."""
ROOM = 3.5e6
"""...and the bytes that their layers may take in it."""


class Look:
    """The questions; each is a pure function of its parameters."""

    def __init__(self, opened: Opened):
        self.opened, self.model = opened, opened.model
        self._answer = lru_cache(32)(self._about)

    def start(self) -> dict[str, Any]:
        """Names, sizes and examples: what the controls offer."""
        opened, info = self.opened, self.opened.info
        return {
            "run": opened.name,
            "model": opened.config.model.name,
            "class_names": list(info.class_names),
            "size": [info.in_channels, info.height, info.width],
            "examples": [self.picture(i) for i in opened.examples(EXAMPLES)],
            "layers": [_describe(layer) for layer in self.layers.values()],
            "blocks": self.blocks,
            "shown": SHOWN,
        }

    def drop(self, upload: Upload) -> dict[str, Any]:
        """An image file, cut and scaled as the model was trained to see images."""
        return self.picture(self.opened.drop(upload.shown, upload.content()))

    def picture(self, image: str) -> dict[str, Any]:
        """The pixels of an image and its true class, where that is known."""
        subject = self.opened.subject(image)
        names = self.opened.info.class_names
        return {
            "image": image,
            "name": subject.name,
            "picture": self.opened.pixels(image),
            "true": None if subject.true is None else names[subject.true],
        }

    def predict(self, image: str) -> dict[str, Any]:
        """The likeliest classes with their probabilities."""
        logits = self._logits(image)
        shares, order = logits.softmax(0).topk(min(TOP, len(logits)))
        names, true = self.opened.info.class_names, self.opened.subject(image).true
        return {
            "top": [
                {"class": names[c], "probability": share}
                for c, share in zip(order.tolist(), shares.tolist(), strict=True)
            ],
            "true": None if true is None else names[true],
        }

    def layer(self, image: str, layer: str) -> dict[str, Any]:
        """A layer's kernels and maps for an image, and what made their numbers."""
        return self._answer(image, layer)

    def exported(self) -> Iterator[Question]:
        """For a saved file: some images, and as many layers as there is room for."""
        yield "look/start", {}
        images = self.opened.examples(SAVED)
        for image in images:
            yield "look/predict", {"image": image}
        room = ROOM
        for name in in_order_of_use([*self.layers], self.blocks):
            numbers = 0
            if images:
                about = self._about(images[0], name)
                held = [v for v in about.values() if isinstance(v, Tensor)]
                numbers = sum(tensor.numel() for tensor in held)
            room -= 16 / 3 * numbers * len(images)
            if room < 0:
                return
            for image in images:
                yield "look/layer", {"image": image, "layer": name}

    @cached_property
    def layers(self) -> dict[str, Layer]:
        """Those that give one tensor, in the order in which they finish."""
        traced = trace(self.model, *self.opened.blank.shape[1:], memory=False)
        shapes = layer_shapes(self.model, self.opened.blank)
        return {x.name: x for x in traced if x.name in shapes}

    @cached_property
    def blocks(self) -> list[str]:
        """The parts of the network that have places, in their order."""
        return layers_across(self.model, self.opened.blank, 1000)

    def _logits(self, image: str) -> Tensor:
        with torch.no_grad(), evaluating(self.model):
            logits = self.model(self.opened.tensor(image))[0].double()
        if not logits.isfinite().all():
            raise InputError(
                f"{self.opened.name} gives NaN or infinity for this image; use another "
                "checkpoint of its run"
            )
        return logits

    def _about(self, image: str, name: str) -> dict[str, Any]:
        if name not in self.layers:
            find_layer(self.model, name)  # says which names are near
            raise InputError(f"layer {name!r} gives no single tensor; choose another")
        layer, x = self.layers[name], self.opened.tensor(image)
        module = self.model.get_submodule(name)
        before, output = run_to(self.model, module, x)
        maps = grid_of(output, x)
        strongest = strength(maps).argsort(descending=True, stable=True)[:SHOWN]
        channels = strongest.sort().values
        seen = Seen(module, None if before is None else grid_of(before, x), maps)
        return {
            **_describe(layer),
            "channels": channels.tolist(),
            "total": len(maps),
            "strongest": int(strongest[0]),
            "maps": maps[channels],
            "field": _plain_field(layer.field),
            **rule(seen, channels),
        }


def in_order_of_use(layers: list[str], blocks: list[str]) -> list[str]:
    """Blocks first, from both ends to the middle, then the others."""
    inside = [name for name in layers if name not in blocks]
    return [*_from_both_ends(blocks), *_from_both_ends(inside)]


def _from_both_ends(names: list[str]) -> list[str]:
    pairs = zip(names, reversed(names), strict=True)
    return list(dict.fromkeys(name for pair in pairs for name in pair))


def run_to(
    model: nn.Module, module: nn.Module, image: Tensor
) -> tuple[Tensor | None, Tensor]:
    """What goes into a layer and what comes out, as they are at that moment.

    None where the layer does not take one tensor.
    """
    found: list[tuple[Tensor | None, Tensor]] = []
    kept: list[Tensor | None] = []

    def enter(_, args):
        alone = len(args) == 1 and isinstance(args[0], Tensor)
        kept.append(args[0].clone() if alone else None)

    def leave(_, args, output):
        found.append((kept.pop(), output.clone()))  # the next may write into it

    handles = [module.register_forward_pre_hook(enter)]
    handles += [module.register_forward_hook(leave)]
    try:
        with torch.no_grad(), evaluating(model):
            model(image)
    finally:
        for handle in handles:
            handle.remove()
    return found[-1]


def grid_of(output: Tensor, image: Tensor) -> Tensor:
    """(channels, rows, columns); numbers without a place are channels of one place."""
    grid = as_map(output, image)
    grid = output.flatten(1)[:, :, None, None] if grid is None else grid
    return grid[0].float().contiguous()


def _describe(layer: Layer) -> dict[str, Any]:
    return {
        "layer": layer.name,
        "kind": type(layer.module).__name__,
        "shape": list(layer.shape),
        "parameters": layer.parameters,
        "macs": layer.macs,
    }


def _plain_field(field: Field | None) -> dict[str, Any] | None:
    """None where a place does not see the image; None for a side without end."""
    if field is None:
        return None
    sides = {"low": field.low, "high": field.high, "stride": field.stride}
    return {
        name: [value if math.isfinite(value) else None for value in pair]
        for name, pair in sides.items()
    }
