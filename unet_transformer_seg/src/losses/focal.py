"""Focal loss: cross entropy in which pixels that are right already count less."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.info import IGNORE_INDEX
from ..utils.contracts import contract
from .cross_entropy import pixel_weight, safe_divisor
from .precision import in_float32


@in_float32
@contract
def focal_loss(
    logits: Float[Tensor, "batch classes height width"],
    target: Int[Tensor, "batch height width"],
    *,
    gamma: float = 2.0,
    weight: Float[Tensor, " classes"] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """Sum of w_y (1 - p_y)^g nll over sum of w_y (Lin et al. 2017, eq. 4, softmax).

    `gamma` = 0 is cross entropy; without `weight` it is the mean over valid pixels.
    By hand: two classes of equal logits and g = 2 cost (1/2)^2 log 2 = 0.1733 a pixel.
    All pixels ignored: 0, with zero gradient.
    """
    index = torch.where(target == ignore_index, 0, target)[:, None]
    log_p = logits.log_softmax(1).gather(1, index)[:, 0]
    miss = -torch.expm1(log_p)  # 1 - p without cancellation
    # at p = 1 the power has no gradient for g < 1; nll is 0 there, so 1 will do
    modulated = (
        -log_p if gamma == 0 else -log_p * torch.where(miss == 0, 1, miss) ** gamma
    )
    w = pixel_weight(target, weight, ignore_index, logits.dtype)
    return (w * modulated).sum() / safe_divisor(w.sum())
