"""Losses on numbers, from differentiable operations; what all losses share.

`reduction` is `none`, `mean` or `sum`; PyTorch's `size_average` and `reduce`, which it
replaced, do not exist.
"""

import math
import warnings

import numpy as np
from jaxtyping import Float

from ..engine.backend import array_module
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .fused import constant
from .rules import cannot_broadcast


def check_reduction(name: str, reduction: str) -> None:
    """ValueError for a reduction that does not exist."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{name}: reduction is none, mean or sum, not {reduction!r}")


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """The losses as they are, their sum, or their mean (NaN of nothing)."""
    if reduction == "none":
        return loss
    total = loss.sum()
    if reduction == "sum":
        return total
    return total / loss.numel() if loss.numel() else total * math.nan


@contract
def mse_loss(
    input: Float[Tensor, "..."],
    target: Float[Tensor, "..."],
    *,
    reduction: str = "mean",
    weight: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "*losses"]:
    """(input - target)^2; with `weight` the mean divides by the summed weights."""
    gap = _gap("mse_loss", input, target, reduction)
    return _weighted("mse_loss", gap * gap, input, weight, reduction)


@contract
def l1_loss(
    input: Float[Tensor, "..."],
    target: Float[Tensor, "..."],
    *,
    reduction: str = "mean",
    weight: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "*losses"]:
    """|input - target|; with `weight` the mean divides by the summed weights."""
    gap = _gap("l1_loss", input, target, reduction)
    return _weighted("l1_loss", gap.abs(), input, weight, reduction)


@contract
def smooth_l1_loss(
    input: Float[Tensor, "..."],
    target: Float[Tensor, "..."],
    *,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Float[Tensor, "*losses"]:
    """d^2 / (2 beta) where |d| < beta, else |d| - beta / 2."""
    gap = _gap("smooth_l1_loss", input, target, reduction)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    if beta == 0:
        return reduced(gap.abs(), reduction)
    return reduced(_rounded(gap, beta) / beta, reduction)


@contract
def huber_loss(
    input: Float[Tensor, "..."],
    target: Float[Tensor, "..."],
    *,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "*losses"]:
    """d^2 / 2 where |d| < delta, else delta (|d| - delta / 2) (Huber 1964)."""
    gap = _gap("huber_loss", input, target, reduction)
    if delta <= 0:
        raise RuntimeError(f"huber_loss: delta must be positive, got {delta}")
    loss = _rounded(gap, delta)
    if weight is None:
        return reduced(loss, reduction)
    _check_weight("huber_loss", input, weight)
    return reduced(loss * weight, reduction)


@contract
def gaussian_nll_loss(
    input: Float[Tensor, "..."],
    target: Float[Tensor, "..."],
    var: Float[Tensor, "..."] | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """(log v + (input - target)^2 / v) / 2 with v = max(var, eps)."""
    name = "gaussian_nll_loss"
    check_reduction(name, reduction)
    if not isinstance(var, Tensor):
        var = constant(array_module(input.data).full_like(input.data, var))
    if (var.data < 0).any():
        raise ValueError(f"{name}: var holds negative numbers")
    if var.shape != input.shape:
        var = _variance(name, var, input)
    # The floor has no slope of its own: the gradient is taken as if v were var.
    var = var + constant((eps - var.data).clip(0))
    gap = input - target
    loss = (var.log() + gap * gap / var) * 0.5
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


@contract
def poisson_nll_loss(
    input: Float[Tensor, "..."],
    target: Float[Tensor, "..."],
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """e^x - t x, or x - t log(x + eps); `full` adds Stirling's term for t > 1."""
    check_reduction("poisson_nll_loss", reduction)
    broadcast("poisson_nll_loss", input, target)
    if log_input:
        loss = input.exp() - target * input
    else:
        loss = input - target * (input + eps).log()
    if full:
        large = (target.data > 1).astype(target.dtype)
        t = target * constant(large) + constant(1 - large)
        stirling = t * t.log() - t + (t * (2 * math.pi)).log() * 0.5
        loss = loss + stirling * constant(large)
    return reduced(loss, reduction)


def _rounded(gap: Tensor, width: float) -> Tensor:
    """d^2 / 2 where |d| < width, else width (|d| - width / 2)."""
    inside = (abs(gap.data) < width).astype(gap.dtype)
    outside = constant(1 - inside)
    near = gap * constant(inside)
    return near * near * 0.5 + (gap.abs() - width / 2) * outside * width


def _gap(name: str, x: Tensor, target: Tensor, reduction: str) -> Tensor:
    check_reduction(name, reduction)
    shape = broadcast(name, x, target)
    if x.shape != target.shape:
        warnings.warn(
            f"{name}: an input of shape {x.shape} and a target of shape {target.shape} "
            f"are compared in the shape {shape}, each with each; is that meant?",
            stacklevel=4,  # the line that called the loss: here, loss, contract
        )
    return x - target


def _weighted(name: str, loss: Tensor, x: Tensor, weight, reduction: str) -> Tensor:
    if weight is None:
        return reduced(loss, reduction)
    _check_weight(name, x, weight)
    loss = loss * weight
    return (
        loss.sum() / weight.sum() if reduction == "mean" else reduced(loss, reduction)
    )


def _check_weight(name: str, x: Tensor, weight: Tensor) -> None:
    if weight.shape != x.shape:
        raise ValueError(
            f"{name}: a weight of shape {weight.shape} for an input of shape {x.shape};"
            " the shapes must be equal"
        )


def _variance(name: str, var: Tensor, x: Tensor) -> Tensor:
    """`var` for each element, or one for each row: (..., 1) or without that axis."""
    if var.shape == x.shape[:-1]:
        return var.reshape(*var.shape, 1)
    pairs = list(zip(x.shape, var.shape, strict=False))
    if x.ndim == var.ndim and sum(b for a, b in pairs if a != b) == 1:
        return var
    raise ValueError(
        f"{name}: var of shape {var.shape} for an input of shape {x.shape}; one for "
        "each element or one for each row is wanted"
    )


def broadcast(name: str, x: Tensor, y: Tensor) -> tuple[int, ...]:
    """The common shape of both."""
    try:
        return np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        raise RuntimeError(cannot_broadcast(name, (x, y))) from None
