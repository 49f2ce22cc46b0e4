"""Grad-CAM and Grad-CAM++: where in a layer's maps the evidence for a class lies.

Both weigh the maps A^k of a layer and keep what is positive of their sum:
L = ReLU(sum_k w_k A^k). They differ in w_k. A map that is zero everywhere says that
this layer holds no evidence for the class; no rescaling hides it.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ..utils.contracts import contract
from ..utils.errors import InputError
from .gradients import class_score
from .layers import as_map, capture, last_spatial_layer


@contract
def grad_cam(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
    layer: str = "",
) -> Float[Tensor, "batch rows columns"]:
    """w_k is the mean of dS/dA^k over the map (Selvaraju et al. 2017, eq. 1 and 2).

    On the grid of `layer`: see `upsample`; "" is the last layer with several positions.
    """
    A, g = _maps_and_gradients(model, image, target, layer)
    w = g.mean((2, 3), keepdim=True)
    return (w * A).sum(1).relu()


@contract
def grad_cam_plus_plus(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
    layer: str = "",
) -> Float[Tensor, "batch rows columns"]:
    """w_k = sum_ij a_ij ReLU(dY/dA_ij), Y = exp(S) (Chattopadhay et al. 2018, eq. 19).

    a = Y''/(2 Y'' + Y''' sum A) with the derivatives by A_ij, which are Y g^2 and Y g^3
    for g = dS/dA_ij if S is piecewise linear in A, as the paper assumes. So a is
    1/(2 + g sum A), taken as 0 where that is 1/0. Y is a factor of the whole map and
    left out: it overflows.
    """
    A, g = _maps_and_gradients(model, image, target, layer)
    below = 2 + g * A.sum((2, 3), keepdim=True)
    a = torch.where(below == 0, 0, 1 / below)
    w = (a * g.relu()).sum((2, 3), keepdim=True)
    return (w * A).sum(1).relu()


@contract
def upsample(
    cam: Float[Tensor, "batch rows columns"], height: int, width: int
) -> Float[Tensor, "batch {height} {width}"]:
    """The map in the size of the image, bilinear between the middles of the cells."""
    size = (height, width)
    return F.interpolate(cam[:, None], size, mode="bilinear", align_corners=False)[:, 0]


def _maps_and_gradients(
    model: nn.Module, image: Tensor, target: Tensor, layer: str
) -> tuple[Tensor, Tensor]:
    """A and dS/dA of a layer, both (batch features rows columns)."""
    layer = layer or last_spatial_layer(model, image)
    with torch.enable_grad():
        image = image.detach().requires_grad_()  # so that frozen models have gradients
        with capture(model, image, [layer]) as seen:
            output = seen.outputs[layer]
            score = class_score(seen.logits, target).sum()
            (gradient,) = torch.autograd.grad(score, output, allow_unused=True)
    if gradient is None:  # the score does not depend on this layer
        gradient = torch.zeros_like(output)
    A, g = as_map(output.detach(), image), as_map(gradient, image)
    if A is None:
        shape = "x".join(map(str, output.shape[1:]))
        raise InputError(
            f"layer {layer!r} gives {shape} numbers an image and no positions, so "
            f"Grad-CAM cannot be drawn there. Choose another, such as "
            f"{last_spatial_layer(model, image)}."
        )
    return A, g
