"""Losses on class scores: `cross_entropy` as one operation, `nll_loss`.

The class axis is the second, or the only one: (batch, classes, d1, ...) or (classes).
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from ..engine.backend import array_module
from ..engine.dtypes import is_floating
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .fused import constant, refuse
from .losses import check_reduction, reduced
from .softmax import log_softmax, shifted, sums


class CrossEntropy(Function):
    """sum_c k_c (log sum e^x - x_c) of each sample, with constants k.

    k is (1 - smoothing) w_target at the target and smoothing w_c / classes everywhere;
    the gradient is (sum_c k_c) softmax(x) - k. `share` divides each sample.
    """

    @staticmethod
    def forward(ctx, x, target, weight, smoothing: float, share: Any, total: bool):
        xp, shape = array_module(x.data), x.shape
        logp = shifted(x.data, 1)
        logp -= xp.log(sums(xp.exp(logp), 1))
        rows, spread = _strength(target, weight, smoothing, x.data)
        ctx.place = places(xp.where(rows[1], target[0], 0))
        loss = xp.where(rows[1], -logp[ctx.place] * rows[0], 0)
        if smoothing:
            mix = logp if spread is None else logp * spread
            loss -= xp.where(rows[1], mix.sum(1) * (smoothing / shape[1]), 0)
        ctx.logp, ctx.rows, ctx.spread = logp, rows, spread
        ctx.smoothing, ctx.total = smoothing, total
        ctx.share = share if np.isfinite(share) else 0  # nothing left: no gradient
        loss = loss.astype(x.dtype, copy=False)
        with np.errstate(invalid="ignore"):
            return xp.asarray(loss.sum() * share) if total else loss

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        xp, logp, (strength, valid) = array_module(ctx.logp), ctx.logp, ctx.rows
        classes, eps = logp.shape[1], ctx.smoothing
        each = grad.data * (valid * logp.dtype.type(1))
        if ctx.total:
            each *= ctx.share
        mass = strength * each
        if eps:
            all_mass = classes if ctx.spread is None else float(ctx.spread.sum())
            mass = mass + each * (eps / classes * all_mass)
        gx = xp.exp(logp)
        gx *= xp.expand_dims(mass, 1)
        if eps:
            spread = 1 if ctx.spread is None else ctx.spread
            gx -= xp.expand_dims(each, 1) * spread * (eps / classes)
        gx[ctx.place] -= strength * each
        return gx.astype(logp.dtype, copy=False), None, None, None, None, None

    @staticmethod
    def plain(x, target, weight, smoothing: float, share: Any, total: bool):
        xp = array_module(x.data)
        (strength, valid), spread = _strength(target, weight, smoothing, x.data)
        k = xp.zeros(x.shape, x.dtype)
        k[places(xp.where(valid, target[0], 0))] = strength * valid
        if smoothing:
            wide = 1 if spread is None else spread
            k = k + xp.expand_dims(valid, 1) * wide * (smoothing / x.shape[1])
        loss = -(log_softmax(x, 1) * constant(k.astype(x.dtype))).sum(1)
        share = share if np.isfinite(share) else 0
        return loss.sum() * float(share) if total else loss


class Pick(Function):
    """-w_target x_target of each sample, 0 where it is ignored."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, place: Any, strength: Any):
        ctx.place, ctx.strength, ctx.shape = place, strength, x.shape
        return array_module(x.data).where(strength != 0, -x.data[place] * strength, 0)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        xp = array_module(grad.data)
        gx = xp.zeros(ctx.shape, grad.dtype)
        gx[ctx.place] = -grad.data * ctx.strength
        return gx, None, None

    @staticmethod
    def plain(x: Tensor, place: Any, strength: Any) -> Tensor:
        xp = array_module(x.data)
        k = xp.zeros(x.shape, x.dtype)
        k[place] = strength
        return -(x * constant(k)).sum(1)


def places(target: Any) -> tuple:
    """The index of each target along the class axis, axis 1."""
    xp, last = array_module(target), target.ndim - 1
    grids = [
        xp.arange(size).reshape(-1, *[1] * (last - i))
        for i, size in enumerate(target.shape)
    ]
    return grids[0], target, *grids[1:]


def _strength(target, weight, smoothing: float, like: Any) -> tuple:
    """((k at the target, is the sample counted), weights along the class axis)."""
    xp, (target, valid) = array_module(like), target
    spread = None
    if weight is None:
        strength = like.dtype.type(1 - smoothing) * valid
    else:
        spread = weight.reshape(-1, *[1] * (like.ndim - 2))
        strength = weight[xp.where(valid, target, 0)] * (1 - smoothing) * valid
    return (strength.astype(like.dtype, copy=False), valid), spread


@contract
def cross_entropy(
    input: Float[Tensor, "..."],
    target: Shaped[Tensor, "*places"],
    weight: Float[Tensor, " classes"] | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Float[Tensor, "*losses"]:
    """-log softmax(input) at the target: class numbers, or probabilities of classes.

    `mean` divides by the summed weights of what is not ignored: NaN if nothing is left.
    """
    name = "cross_entropy"
    check_reduction(name, reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"{name}: label_smoothing {label_smoothing} is not in 0..1")
    _check_classes(name, input, weight)
    if is_floating(target.dtype):
        if ignore_index >= 0:
            raise RuntimeError(f"{name}: ignore_index needs class numbers as target")
        return _soft(input, target, weight, reduction, label_smoothing)
    x, classes, single = _batched(name, input, target)
    valid = _valid(name, classes, ignore_index, x.shape[1])
    w = None if weight is None else weight.data
    share = _share(reduction, classes, valid, w, x.dtype)
    args = (classes, valid), w, float(label_smoothing), share
    loss = CrossEntropy.apply(x, *args, reduction != "none")
    return loss.reshape(()) if single and reduction == "none" else loss


@contract
def nll_loss(
    input: Float[Tensor, "..."],
    target: Shaped[Tensor, "*places"],
    weight: Float[Tensor, " classes"] | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """-input at the target: `cross_entropy` of log-probabilities."""
    name = "nll_loss"
    check_reduction(name, reduction)
    _check_classes(name, input, weight)
    x, classes, single = _batched(name, input, target)
    valid = _valid(name, classes, ignore_index, x.shape[1])
    w = None if weight is None else weight.data
    (strength, _), _ = _strength((classes, valid), w, 0.0, x.data)
    xp = array_module(x.data)
    place = places(xp.where(valid, classes, 0))
    loss = Pick.apply(x, place, strength)
    if reduction == "none":
        return loss.reshape(()) if single else loss
    return loss.sum() * float(_share(reduction, classes, valid, w, x.dtype))


def _soft(x: Tensor, target, weight, reduction: str, smoothing: float) -> Tensor:
    """The loss for probabilities as target; gradients reach the target as well."""
    if target.shape != x.shape:
        raise RuntimeError(
            f"cross_entropy: a target of {target.dtype} holds probabilities, its shape "
            f"{target.shape} should be that of the input, {x.shape}; class numbers are "
            "integers: target.long()"
        )
    axis = 1 if x.ndim > 1 else 0
    classes = x.shape[axis]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    loss = log_softmax(x, axis) * target
    if weight is not None:
        loss = loss * weight.reshape(-1, *[1] * max(x.ndim - 2, 0))
    return reduced(-loss.sum(axis), reduction)


def _batched(name: str, x: Tensor, target: Tensor) -> tuple[Tensor, Any, bool]:
    """Input as (batch, classes, ...), class numbers as (batch, ...)."""
    single = x.ndim == 1
    wanted = () if single else (x.shape[0], *x.shape[2:])
    if target.shape != wanted:
        raise RuntimeError(
            f"{name}: a target of shape {target.shape} for an input of shape "
            f"{x.shape}; class numbers of shape {wanted} are wanted"
        )
    if target.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: class numbers are integers, not {target.dtype}")
    if single:
        return x.reshape(1, x.shape[0]), target.data.reshape(1), True
    return x, target.data, False


def _valid(name: str, target: Any, ignored: int, classes: int) -> Any:
    valid = target != ignored
    inside = (target >= 0) & (target < classes)
    if not (inside | ~valid).all():
        bad = int(target[valid & ~inside].reshape(-1)[0])
        raise IndexError(
            f"{name}: target class {bad} is outside of 0 to {classes - 1} and is not "
            f"ignore_index ({ignored})"
        )
    return valid


def _share(reduction: str, target, valid, weight, dtype: np.dtype) -> Any:
    """What the sum of the losses is multiplied with."""
    if reduction != "mean":
        return dtype.type(1)
    if weight is None:
        total = valid.sum()
    else:
        total = (weight[array_module(target).where(valid, target, 0)] * valid).sum()
    with np.errstate(divide="ignore"):
        return np.divide(1, dtype.type(float(total)), dtype=dtype)


def _check_classes(name: str, x: Tensor, weight: Tensor | None) -> None:
    if x.ndim == 0:
        raise RuntimeError(f"{name}: an input of shape () has no class axis")
    classes = x.shape[1] if x.ndim > 1 else x.shape[0]
    if weight is not None:
        refuse(name, weight=weight.requires_grad and "a tensor with gradients")
        if weight.shape != (classes,):
            raise RuntimeError(
                f"{name}: a weight of shape {weight.shape} for {classes} classes of an "
                f"input of shape {x.shape}"
            )
