"""Group and batch normalisation, each one operation with its gradient by hand.

The formulas are those of `norms`; a row is what one mean is taken over.
"""

import math
from typing import Any

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from .memory_order import channel_rows, from_rows, like_rows
from .norms import normalized, row_dots


class GroupNorm(Function):
    """Rows are groups of channels of one sample; scale and shift are per channel."""

    @staticmethod
    def forward(ctx: Function, x, weight, bias, groups: int, eps: float):
        batch, channels = x.shape[:2]
        rows = x.data.reshape(batch * groups, x.data.size // max(batch * groups, 1))
        ctx.hat, ctx.scale = normalized(rows, eps)
        ctx.save_for_backward(weight)
        wide = ctx.hat.reshape(batch, channels, math.prod(x.shape[2:]))
        out = wide.copy() if weight is None else wide * weight.data[:, None]
        if bias is not None:
            out += bias.data[:, None]
        return out.reshape(x.shape)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (weight,) = ctx.saved_tensors
        xp, shape = array_module(grad.data), grad.shape
        wide = (*shape[:2], math.prod(shape[2:]))
        g, hat = grad.data.reshape(wide), ctx.hat.reshape(wide)
        gx = gw = gb = None
        if ctx.needs_input_grad[2]:
            gb = g.sum((0, 2))
        if ctx.needs_input_grad[1]:
            gw = row_dots(g, hat)[..., 0].sum(0)
        if ctx.needs_input_grad[0]:
            gx = xp.empty(shape, g.dtype)
            w = 1 if weight is None else weight.data[:, None]
            xp.multiply(g, w, out=gx.reshape(wide))
            centre(gx.reshape(ctx.hat.shape), ctx.hat, ctx.scale)
        return gx, gw, gb, None, None

    @staticmethod
    def plain(x, weight, bias, groups: int, eps: float) -> Tensor:
        batch, channels = x.shape[:2]
        size = x.numel() // max(batch * groups, 1)
        rows = _standard(x.reshape(batch * groups, size), 1, size, eps)
        return _affine(rows.reshape(x.shape), weight, bias)


class BatchNorm(Function):
    """One mean a channel, over the batch and all positions."""

    @staticmethod
    def forward(ctx: Function, x, weight, bias, eps: float, statistics: Any):
        wide = channel_rows(x.data)
        count = wide.shape[0] * wide.shape[2]
        mean = channel_sums(wide) / count
        hat = wide - mean[:, None]
        var = channel_dots(hat, hat) / count
        statistics.update(mean=mean, var=var, count=count)
        ctx.scale = 1 / array_module(var).sqrt(var + eps)
        ctx.save_for_backward(weight)
        hat *= ctx.scale[:, None]
        ctx.hat = hat
        out = hat.copy() if weight is None else hat * weight.data[:, None]
        if bias is not None:
            out += bias.data[:, None]
        return from_rows(out, x.shape)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (weight,) = ctx.saved_tensors
        hat = ctx.hat
        g = like_rows(grad.data, hat)
        gb, gw, gx = channel_sums(g), channel_dots(g, hat), None
        if ctx.needs_input_grad[0]:
            count = hat.shape[0] * hat.shape[2]
            scale = ctx.scale if weight is None else ctx.scale * weight.data
            out = hat * (-gw / count)[:, None]
            out += g
            out -= (gb / count)[:, None]
            out *= scale[:, None]
            gx = from_rows(out, grad.shape)
        needs = ctx.needs_input_grad
        return gx, gw if needs[1] else None, gb if needs[2] else None, None, None

    @staticmethod
    def plain(x, weight, bias, eps: float, statistics: Any) -> Tensor:
        axes = (0, *range(2, x.ndim))
        out = _standard(x, axes, x.numel() // x.shape[1], eps)
        return _affine(out, weight, bias)


def centre(g: Any, hat: Any, scale: Any) -> None:
    """(g - mean(g) - hat mean(g hat)) scale of each row, in place."""
    xp, size = array_module(g), max(g.shape[1], 1)
    mean = xp.matmul(g, xp.full((g.shape[1], 1), 1 / size, g.dtype))
    slant = row_dots(g, hat) / size
    g -= hat * slant
    g -= mean
    g *= scale


def channel_sums(wide: Any) -> Any:
    """Sums of (batch, channel, positions) per channel."""
    xp = array_module(wide)
    if wide.shape[2] == 1:
        return xp.matmul(xp.ones(len(wide), wide.dtype), wide[..., 0])
    return xp.matmul(wide, xp.ones(wide.shape[2], wide.dtype)).sum(0)


def channel_dots(a: Any, b: Any) -> Any:
    """Sums of a b per channel."""
    if a.shape[2] == 1:
        return channel_sums(a * b)
    return row_dots(a, b)[..., 0].sum(0)


def _standard(x: Tensor, axes: Any, size: int, eps: float) -> Tensor:
    low = x - x.sum(axes, keepdim=True) / size
    return low / ((low * low).sum(axes, keepdim=True) / size + eps).sqrt()


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    tail = [1] * (x.ndim - 2)
    x = x if weight is None else x * weight.reshape(-1, *tail)
    return x if bias is None else x + bias.reshape(-1, *tail)
