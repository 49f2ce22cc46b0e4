"""Boundary loss (Kervadec et al. 2019): probability times distance from the truth."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..data.info import IGNORE_INDEX
from ..utils.contracts import contract
from ..utils.distance import distance_transform
from .overlap import scored_classes
from .precision import in_float32


@in_float32
@contract
def boundary_loss(
    logits: Float[Tensor, "batch classes height width"],
    target: Int[Tensor, "batch height width"],
    *,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """Mean over images, foreground classes and pixels of p * phi.

    phi is `signed_distance` of the class; class 0 is left out. The loss may be negative
    and means nothing by itself: add it to another one with growing weight.
    By hand: 1x2 pixels of classes 0 and 1, equal logits: phi = (1, 0), loss 1/4.
    """
    index = scored_classes(logits, include_background=False)
    truth = target[:, None] == index
    valid = (target != ignore_index)[:, None].expand_as(truth)
    phi = signed_distance(truth.flatten(0, 1), valid.flatten(0, 1), dtype=logits.dtype)
    return (logits.softmax(1)[:, 1:] * phi.view(truth.shape)).mean()


@contract
def signed_distance(
    truth: Bool[Tensor, "batch height width"],
    valid: Bool[Tensor, "batch height width"],
    *,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "batch height width"]:
    """Distance to the nearest inside; inside itself, 1 - that to the nearest outside.

    Only valid pixels are in- or outside of `truth`; the others are 0, and so is all of
    an image whose object is absent or fills all that is valid: it has no boundary.
    """
    inside, outside = truth & valid, ~truth & valid
    to_truth = distance_transform(inside, dtype=dtype)
    depth = distance_transform(outside, dtype=dtype)
    phi = torch.where(inside, 1 - depth, to_truth)
    return torch.where(valid & phi.isfinite(), phi, 0)
