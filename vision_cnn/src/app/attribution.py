"""What the panel `attribution` asks: every map of an image, and what it is worth.

One question a method, so that the quick ones are drawn while the slow ones run. With
`forgotten` the same map of a network whose top layers have forgotten their weights.
"""

import copy
import math
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any, Literal

import torch
from torch import nn

from ..explain.attributions import CAMS, METHODS, Attributions, attribute
from ..explain.explanation import STAGES
from ..explain.layers import as_map, last_spatial_layer, layer_shapes
from ..explain.sanity import forget, layers_from_the_top, rank_correlation
from ..explain.sheet import colour_scale
from ..utils.errors import InputError
from .look import SAVED
from .opened import Opened
from .page import Question


Name = Literal[
    "saliency",
    "smooth_grad",
    "guided_backprop",
    "grad_cam",
    "input_x_gradient",
    "integrated_gradients",
    "occlusion",
    "grad_cam_plus_plus",
]

ROOM = 3e6
"""Bytes that the maps may take in a saved file."""


class Attribution:
    """The questions; each is a pure function of its parameters."""

    def __init__(self, opened: Opened):
        self.opened, self.model = opened, opened.model
        self._found = lru_cache(64)(self._attribute)
        self._forgetful = lru_cache(2)(self._forget)

    def start(self) -> dict[str, Any]:
        """The methods, the layers that Grad-CAM can weigh, the stages of forgetting."""
        return {
            "methods": [
                {"name": name, "title": m.title, "paper": m.paper, "signed": m.signed}
                for name, m in METHODS.items()
            ],
            "class_names": list(self.opened.info.class_names),
            "layers": self._layers_with_maps(),
            "layer": self._default_layer(),
            "stages": self.stages,
            "forgetting": self.order,
        }

    def map(
        self,
        image: str,
        method: Name,
        target: int = -1,
        layer: str = "",
        forgotten: int = 0,
    ) -> dict[str, Any]:
        """One map, raw, with its range and its likeness to that of the trained network.

        `target` -1 is the likeliest class of the trained network. `forgotten` layers
        from the top have drawn new weights.
        """
        if not 0 <= forgotten <= len(self.order):
            raise InputError(f"forgotten: 0 to {len(self.order)}, not {forgotten}")
        layer = layer or self._default_layer() or ""
        target = self._target(image, target)
        found = self._found(image, method, target, layer, forgotten)
        answer = {"method": method, "target": target, "layer": ""}
        answer |= {"forgotten_layer": self.order[forgotten - 1] if forgotten else ""}
        if method in found.undefined:
            return answer | {"undefined": found.undefined[method]}
        map = found.maps[method][0].cpu()
        trained = self._found(image, method, target, layer, 0).maps[method]
        answer |= {
            "map": map,
            "lowest": float(map.min()),
            "highest": float(map.max()),
            "scale": colour_scale(map),
            "likeness": rank_correlation(found.maps[method], trained),
        }
        if method in CAMS:
            answer["layer"] = found.layer
        if method == "integrated_gradients":
            answer["completeness"] = completeness(found)
        return answer

    def exported(self) -> Iterator[Question]:
        """For a saved file: all methods, for the likeliest class, as far as they fit.

        Large images have the first and the last stage only.
        """
        yield "attribution/start", {}
        chosen, stages = {"target": -1, "layer": ""}, self.stages
        stage_bytes = 16 / 3 * math.prod(self.opened.blank.shape[2:]) * len(METHODS)
        fitting = int(ROOM / stage_bytes / len(stages))
        if not fitting:
            stages = [stages[0], stages[-1]]
        for image in self.opened.examples(max(1, min(fitting, SAVED))):
            for stage in stages:
                for name in METHODS:
                    given = {"image": image, "method": name, "forgotten": stage}
                    yield "attribution/map", given | chosen

    @cached_property
    def order(self) -> list[str]:
        """The layers in the order in which they forget."""
        return layers_from_the_top(self.model, self.opened.blank)

    @cached_property
    def stages(self) -> list[int]:
        """How many have forgotten at each step of the slider: none to all."""
        count = min(STAGES, len(self.order))
        return [round(i * len(self.order) / count) for i in range(count + 1)]

    def _target(self, image: str, target: int) -> int:
        classes = len(self.opened.info.class_names)
        if target >= classes:
            raise InputError(f"target: the model has the classes 0 to {classes - 1}")
        if target >= 0:
            return target
        with torch.no_grad():
            return int(self.model(self.opened.tensor(image)).argmax())

    def _attribute(
        self, image: str, method: str, target: int, layer: str, forgotten: int
    ) -> Attributions:
        model = self._forgetful(forgotten) if forgotten else self.model
        wanted = torch.tensor([target])
        return attribute(model, self.opened.tensor(image), wanted, layer, [method])

    def _forget(self, count: int) -> nn.Module:
        """The stage of `randomisation_check` at which `count` layers have forgotten."""
        forgetful = copy.deepcopy(self.model)
        generator = torch.Generator().manual_seed(0)
        for name in self.order[:count]:
            forget(forgetful.get_submodule(name), generator)
        return forgetful

    def _default_layer(self) -> str | None:
        try:
            return last_spatial_layer(self.model, self.opened.blank)
        except InputError:
            return None

    def _layers_with_maps(self) -> list[str]:
        blank = self.opened.blank
        names = []
        for name, shape in layer_shapes(self.model, blank).items():
            grid = as_map(torch.empty(shape), blank)
            if grid is not None and grid.shape[2] * grid.shape[3] > 1:
                names.append(name)
        return names


def completeness(found: Attributions) -> dict[str, float]:
    """What integrated gradients add up to, and what they should."""
    total = float(found.maps["integrated_gradients"].sum())
    gained = float(found.gained)
    return {"sum": total, "score_difference": gained, "error": total - gained}
