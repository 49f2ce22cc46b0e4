"""What the panel `surgery` asks: accuracy by class when parts are switched off."""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..explain.feature_maps import layers_across
from ..explain.kernels import strongest
from ..explain.layers import find_layer, layer_shapes
from ..metrics.confusion import accuracy, confusion_matrix, recall
from ..models.trace import trace
from ..utils.errors import InputError
from .ablation import ALL, Ablation, channel_axis, has_branch
from .look import run_to
from .opened import Opened, in_turn
from .page import Question


MOST, LEAST = 500, 32
"""Images that an answer is about..."""
WORK = 5e10
"""...as many as one core gets through in about a second: multiplications, and..."""
WRITING = 60
"""...what writing a number of a layer costs in such multiplications."""
SAVED = 80
"""Parts that a saved file has without."""
SHOWN = 64
"""Channels of a layer that get a checkbox."""


class Surgery:
    """The questions; each is a pure function of its parameters."""

    def __init__(self, opened: Opened):
        self.opened, self.model = opened, opened.model

    def start(self) -> dict[str, Any]:
        """The parts that can be off, and the accuracy when none is."""
        names = self.opened.info.class_names
        before = self._scores(self.ablation.logits)
        return {
            "split": self.opened.split,
            "images": len(self.target),
            "of": len(self._data),
            "most": MOST,
            "class_names": list(names),
            "layers": [self._describe(name) for name in self.shapes],
            "blocks": [
                {"layer": name, "off": self._effect(name)} for name in self.blocks
            ],
            **before,
        }

    def without(self, off: list[str]) -> dict[str, Any]:
        """Accuracy without the parts `off`: a layer, or one channel as `layer:3`."""
        logits = self.ablation.without(self._parts(off))
        said, was = logits.argmax(1), self.ablation.logits.argmax(1)
        return {"changed": int((said != was).sum()), **self._scores(logits)}

    def exported(self) -> Iterator[Question]:
        """For a saved file: what happens without each of some parts."""
        yield "surgery/start", {}
        for part in self.singles(SAVED):
            yield "surgery/without", {"off": [part]}

    def singles(self, limit: int) -> list[str]:
        """The blocks, then the strongest kernels of each convolution."""
        kernels = [x for x in self.shapes if self._weight(x) is not None]
        each = max(1, (limit - len(self.blocks)) // max(1, len(kernels)))
        return [
            *self.blocks,
            *(
                f"{name}:{channel}"
                for name in kernels
                for channel in strongest(self._weight(name), each)
            ),
        ][:limit]

    @cached_property
    def ablation(self) -> Ablation:
        indices = self._indices.tolist()
        batch = self._data.__getitems__([(0, index) for index in indices])
        return Ablation(self.model, batch["image"], self.blocks)

    @cached_property
    def target(self) -> Tensor:
        return self._data.labels[self._indices]

    @cached_property
    def blocks(self) -> list[str]:
        """The parts of the network that have places, in their order."""
        return layers_across(self.model, self.opened.blank, 1000)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the layers whose channels can be off."""
        return layer_shapes(self.model, self.opened.blank)

    @property
    def _data(self):
        return self.opened.splits[self.opened.split]

    @cached_property
    def _indices(self) -> Tensor:
        """As many of each class, and no more than a second has room for."""
        layers = trace(self.model, *self.opened.blank.shape[1:], memory=False)
        each = sum(x.macs + WRITING * math.prod(x.shape) for x in layers)
        fit = int(WORK / each)
        count = min(MOST, max(LEAST, fit))
        return torch.tensor(in_turn(self._data.labels, count))

    def _scores(self, logits: Tensor) -> dict[str, Any]:
        names = self.opened.info.class_names
        confusion = confusion_matrix(logits.argmax(1), self.target, len(names))
        return {
            "accuracy": accuracy(confusion),
            "recall": recall(confusion).tolist(),
            "of_class": confusion.sum(1).tolist(),
        }

    def _parts(self, off: list[str]) -> dict[str, set[int] | None]:
        parts: dict[str, set[int] | None] = {}
        for part in off:
            name, _, channel = part.partition(":")
            if name not in self.shapes:
                find_layer(self.model, name)  # says which names are near
                raise InputError(f"layer {name!r} gives no single tensor")
            if not channel:
                parts[name] = ALL
                continue
            count = self._channels(name)
            if channel not in map(str, range(count)):
                raise InputError(
                    f"{part[:60]}: {name} has the channels 0 to {count - 1}"
                )
            if parts.setdefault(name, set()) is not ALL:
                parts[name].add(int(channel))
        return parts

    def _describe(self, name: str) -> dict[str, Any]:
        kind = type(self.model.get_submodule(name)).__name__
        kernels = self._weight(name) is not None
        return {
            "layer": name,
            "kind": kind,
            "kernels": kernels,
            "channels": self._channels(name),
            "shown": self._shown(name),
        }

    def _channels(self, name: str) -> int:
        shape = self.shapes[name]
        return shape[channel_axis(torch.empty(shape), self.opened.blank)]

    def _shown(self, name: str) -> list[int]:
        """The strongest kernels, or the first channels where there are none."""
        weight = self._weight(name)
        if weight is None:
            return list(range(min(SHOWN, self._channels(name))))
        return sorted(strongest(weight, SHOWN))

    def _weight(self, name: str) -> Tensor | None:
        layer = self.model.get_submodule(name)
        return layer.weight.detach() if isinstance(layer, torch.nn.Conv2d) else None

    def _effect(self, name: str) -> str:
        """What happens when the block is off, in words for its checkbox."""
        layer = self.model.get_submodule(name)
        if has_branch(layer):
            return "its branch adds nothing"
        before, after = run_to(self.model, layer, self.opened.blank)
        same = before is not None and before.shape == after.shape
        return "its input is handed on" if same else "it gives zeros"
