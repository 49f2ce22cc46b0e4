"""Losses made of three sums a class: I = sum p t, P = sum p, T = sum t.

p are the softmax probabilities and t the one-hot target; ignored pixels leave all three
sums. The sums run over the batch, or over each image (`per_image`), in which case the
loss is the mean over the images.
Every ratio is 1 (loss 0) where it would be 0 / 0, which `smooth` = 0 allows.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.info import IGNORE_INDEX
from ..utils.contracts import contract
from .precision import in_float32


@in_float32
@contract
def dice_loss(
    logits: Float[Tensor, "batch classes height width"],
    target: Int[Tensor, "batch height width"],
    *,
    smooth: float = 1e-5,
    squared: bool = False,
    per_image: bool = False,
    include_background: bool = True,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """One minus the mean over classes of (2I + s) / (P + T + s) (Milletari 2016).

    `squared` sums p^2 in P, as the paper does. A class absent from `target` is pushed
    to zero by its loss P / (P + s), not skipped. All ignored: 0, with zero gradient.
    By hand: one pixel, two classes, equal logits, s = 0: scores 2/3 and 0, loss 2/3.
    """
    i, p, t = _sums(
        logits, target, ignore_index, per_image, include_background, squared
    )
    return 1 - _ratio(2 * i + smooth, p + t + smooth).mean()


@in_float32
@contract
def jaccard_loss(
    logits: Float[Tensor, "batch classes height width"],
    target: Int[Tensor, "batch height width"],
    *,
    smooth: float = 1e-5,
    per_image: bool = False,
    include_background: bool = True,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """One minus the mean over classes of (I + s) / (P + T - I + s) (Rahman 2016).

    Absent classes and ignored pixels as in `dice_loss`.
    By hand: one pixel, two classes, equal logits, s = 0: scores 1/2 and 0, loss 3/4.
    """
    i, p, t = _sums(logits, target, ignore_index, per_image, include_background)
    return 1 - _ratio(i + smooth, p + t - i + smooth).mean()


@in_float32
@contract
def generalised_dice_loss(
    logits: Float[Tensor, "batch classes height width"],
    target: Int[Tensor, "batch height width"],
    *,
    smooth: float = 1e-5,
    per_image: bool = False,
    include_background: bool = True,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """1 - (2 sum_c w I + s) / (sum_c w (P + T) + s), w = 1 / T^2 (Sudre et al. 2017).

    An absent class has the largest finite w of the same sums instead of 1/0 (MONAI's
    choice). `smooth` joins sums near 2/T: keep it far below one over the class sizes.
    By hand: one pixel, two classes, equal logits, s = 0: both w are 1, loss 1/2.
    """
    i, p, t = _sums(logits, target, ignore_index, per_image, include_background)
    finite = torch.where(t > 0, 1 / t.clamp(min=1) ** 2, 0)
    w = torch.where(t > 0, finite, finite.amax(1, keepdim=True))
    return 1 - _ratio(2 * (w * i).sum(1) + smooth, (w * (p + t)).sum(1) + smooth).mean()


@in_float32
@contract
def tversky_loss(
    logits: Float[Tensor, "batch classes height width"],
    target: Int[Tensor, "batch height width"],
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    gamma: float = 1.0,
    smooth: float = 1e-5,
    per_image: bool = False,
    include_background: bool = True,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """Mean over classes of (1 - (I + s) / (I + a FP + b FN + s))^g (Salehi 2017).

    FP = P - I, FN = T - I. `gamma` is the exponent itself: Abraham & Khan 2018 (focal
    Tversky) write 1 / gamma and use 3/4. a = b = 1/2 is Dice with half its `smooth`.
    A class of loss 0 has zero gradient, also for `gamma` < 1, where x^g has none at 0.
    By hand: one pixel, two classes, equal logits, s = 0, a = b = 1/2: (1/3 + 1) / 2.
    """
    i, p, t = _sums(logits, target, ignore_index, per_image, include_background)
    loss = 1 - _ratio(i + smooth, i + alpha * (p - i) + beta * (t - i) + smooth)
    if gamma != 1:
        # rounding may leave -1e-8 of a perfect class, of which a power would be NaN
        loss = torch.where(loss <= 0, 0, torch.where(loss <= 0, 1, loss) ** gamma)
    return loss.mean()


def _sums(
    logits: Tensor,
    target: Tensor,
    ignore_index: int,
    per_image: bool,
    include_background: bool,
    squared: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """I, P and T, each [images, classes]; one row when they are pooled."""
    index = scored_classes(logits, include_background)
    valid = target != ignore_index
    t = (torch.where(valid, target, -1)[:, None] == index).to(logits.dtype)
    p = logits.softmax(1)[:, -len(index) :] * valid[:, None].to(logits.dtype)
    sums = [x.sum((2, 3)) for x in (p * t, p * p if squared else p, t)]
    i_sum, p_sum, t_sum = sums if per_image else [x.sum(0, keepdim=True) for x in sums]
    return i_sum, p_sum, t_sum


def scored_classes(logits: Tensor, include_background: bool) -> Tensor:
    """Indices of the classes that a loss is the mean of, [classes, 1, 1]."""
    first, classes = (0 if include_background else 1), logits.shape[1]
    if classes <= first:
        raise ValueError(f"logits have {classes} class, the background: none to score")
    return torch.arange(first, classes, device=logits.device)[:, None, None]


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """The quotient, and 1 where it would be 0 / 0."""
    zero = denominator == 0
    return torch.where(zero, 1, numerator / torch.where(zero, 1, denominator))
