"""Losses on probabilities and their logarithms."""

from typing import Any

import numpy as np
from jaxtyping import Float

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .activations import logsigmoid
from .fused import constant
from .losses import broadcast, check_reduction, reduced


class Bce(Function):
    """-(t log x + (1 - t) log(1 - x)); logarithms end at -100, slopes at 1e12."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, target: Tensor):
        ctx.save_for_backward(x, target)
        t = target.data
        logs = log_array(1 - x.data), log_array(x.data)
        return array_module(t).asarray((t - 1) * logs[0] - t * logs[1])

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        x, t = (tensor.data for tensor in ctx.saved_tensors)
        xp, gx, gt = array_module(x), None, None
        if ctx.needs_input_grad[0]:
            gx = grad.data * (x - t) / xp.maximum((1 - x) * x, 1e-12)
        if ctx.needs_input_grad[1]:
            gt = grad.data * (log_array(1 - x) - log_array(x))
        return gx, gt

    @staticmethod
    def plain(x: Tensor, target: Tensor) -> Tensor:
        return (target - 1) * _log(1 - x) - target * _log(x)


def log_array(array: Any) -> Any:
    """max(log x, -100)."""
    xp = np if isinstance(array, np.generic) else array_module(array)
    with np.errstate(divide="ignore"):
        return xp.maximum(xp.log(array), -100)


@contract
def binary_cross_entropy(
    input: Float[Tensor, "..."],
    target: Float[Tensor, "..."],
    weight: Float[Tensor, "..."] | None = None,
    *,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """-(t log x + (1 - t) log(1 - x)) of probabilities x; logarithms end at -100."""
    name = "binary_cross_entropy"
    _check_shapes(name, input, target)
    check_reduction(name, reduction)
    x = input.data
    if x.size and not ((x >= 0) & (x <= 1)).all():
        raise RuntimeError(
            f"{name}: input holds numbers outside of 0 to 1; scores go to "
            "binary_cross_entropy_with_logits"
        )
    loss = Bce.apply(input, target)
    return reduced(loss if weight is None else loss * weight, reduction)


@contract
def binary_cross_entropy_with_logits(
    input: Float[Tensor, "..."],
    target: Float[Tensor, "..."],
    weight: Float[Tensor, "..."] | None = None,
    *,
    reduction: str = "mean",
    pos_weight: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "*losses"]:
    """binary_cross_entropy of sigmoid(input), without its overflow."""
    name = "binary_cross_entropy_with_logits"
    _check_shapes(name, input, target)
    check_reduction(name, reduction)
    log = logsigmoid(input)
    if pos_weight is None:
        loss = (1 - target) * input - log
    else:
        loss = (1 - target) * input - ((pos_weight - 1) * target + 1) * log
    return reduced(loss if weight is None else loss * weight, reduction)


@contract
def kl_div(
    input: Float[Tensor, "..."],
    target: Float[Tensor, "..."],
    *,
    reduction: str = "mean",
    log_target: bool = False,
) -> Float[Tensor, "*losses"]:
    """t (log t - input): how far the distribution t is from exp(input).

    `batchmean` divides the sum by the first axis, as the definition has it.
    """
    if reduction != "batchmean":
        check_reduction("kl_div", reduction)
    broadcast("kl_div", input, target)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        loss = target.xlogy(target) - target * input
    if reduction != "batchmean":
        return reduced(loss, reduction)
    return loss.sum() / (input.shape[0] if input.ndim else 1)


def _check_shapes(name: str, x: Tensor, target: Tensor) -> None:
    if x.shape != target.shape:
        raise ValueError(
            f"{name}: target of shape {target.shape} for an input of shape {x.shape}; "
            "the shapes must be equal"
        )


def _log(x: Tensor) -> Tensor:
    """max(log x, -100) from tensor operations."""
    tiny = x.data < 1e-43
    if not tiny.any():
        return x.log()
    tiny = tiny.astype(x.dtype)
    rest = x * constant(1 - tiny) + constant(tiny)
    return rest.log() - constant(100 * tiny)
