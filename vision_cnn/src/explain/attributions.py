"""All methods under one roof: a map of the image for each, or why there is none.

A map is what a picture can show: one number a pixel. Where a method gives one a
channel, signed maps are the sum over channels, which keeps what they add up to, and the
others the largest magnitude.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.errors import InputError
from .grad_cam import grad_cam, grad_cam_plus_plus, upsample
from .gradients import (
    class_score,
    input_x_gradient,
    integrated_gradients,
    saliency,
    smooth_grad,
)
from .guided import guided_backprop
from .layers import evaluating, last_spatial_layer
from .occlusion import occlusion


Map = Callable[[nn.Module, Tensor, Tensor, str], Tensor]
"""(model, image, target, layer) -> (batch height width)."""


class Method(NamedTuple):
    title: str
    paper: str
    map: Map
    signed: bool = False
    """A negative pixel speaks against the class."""


class Attributions(NamedTuple):
    layer: str
    """Whose maps Grad-CAM weighs; empty where the model has none."""
    maps: dict[str, Tensor]
    """By method: (batch height width), as they are, not rescaled."""
    undefined: dict[str, str]
    """By method: the sentence that says why this model has no such map."""
    gained: Tensor
    """(batch): S(x) - S(0), which integrated gradients should add up to."""


@contract
def attribute(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
    layer: str = "",
    methods: Sequence[str] = (),
) -> Attributions:
    """The maps that speak for each image's class: all of METHODS, or of `methods`.

    Raises InputError for a `layer` that does not exist or has no map.
    """
    maps, undefined = {}, {}
    methods = methods or tuple(METHODS)
    if not layer:
        try:
            layer = last_spatial_layer(model, image)
        except InputError as error:
            undefined = {name: str(error) for name in methods if name in CAMS}
    for name in methods:
        if name in undefined:
            continue
        try:
            maps[name] = METHODS[name].map(model, image, target, layer)
        except InputError as error:
            if name in CAMS:  # `layer` is wrong, not the model
                raise
            undefined[name] = str(error)
    with evaluating(model), torch.no_grad():
        here, there = model(image), model(torch.zeros_like(image))
        gained = class_score(here, target) - class_score(there, target)
    return Attributions(layer, maps, undefined, gained)


def _plain(attribution: Callable) -> Map:
    return lambda model, image, target, layer: attribution(model, image, target)


def _largest(attribution: Callable) -> Map:
    return lambda model, image, target, layer: (
        attribution(model, image, target).abs().amax(1)
    )


def _sum(attribution: Callable) -> Map:
    return lambda model, image, target, layer: attribution(model, image, target).sum(1)


def _cam(attribution: Callable) -> Map:
    return lambda model, image, target, layer: upsample(
        attribution(model, image, target, layer), *image.shape[2:]
    )


def _path(model: nn.Module, image: Tensor, target: Tensor) -> Tensor:
    return integrated_gradients(model, image, target)[0]


CAMS = ("grad_cam", "grad_cam_plus_plus")
METHODS = {
    "saliency": Method("Saliency", "Simonyan 2014", _plain(saliency)),
    "smooth_grad": Method("SmoothGrad", "Smilkov 2017", _largest(smooth_grad)),
    "guided_backprop": Method(
        "Guided back-propagation", "Springenberg 2015", _largest(guided_backprop)
    ),
    "grad_cam": Method("Grad-CAM", "Selvaraju 2017", _cam(grad_cam)),
    "input_x_gradient": Method(
        "Input × gradient", "Shrikumar 2016", _sum(input_x_gradient), True
    ),
    "integrated_gradients": Method(
        "Integrated gradients", "Sundararajan 2017", _sum(_path), True
    ),
    "occlusion": Method("Occlusion", "Zeiler & Fergus 2014", _plain(occlusion), True),
    "grad_cam_plus_plus": Method(
        "Grad-CAM++", "Chattopadhay 2018", _cam(grad_cam_plus_plus)
    ),
}
"""By name, in the order of a sheet: magnitudes first, then signs."""
