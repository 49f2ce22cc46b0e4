"""Convolution, transposed convolution and the gradient of the weight, as operations.

<g, conv(x, w)> is linear in x, w and g. Its three partial derivatives are these three
operations: each is differentiated by the other two, as often as one likes.
"""

from typing import Any

from ..engine.function import Function
from ..engine.tensor import Tensor
from .memory_order import array_first, array_last, moved
from .windows import Window, conv_forward, conv_input, conv_weight


class BatchLast(Function):
    """The same values in memory of the order channel, height, width, batch."""

    @staticmethod
    def forward(ctx: Function, x: Tensor) -> Any:
        return array_first(array_last(x.data))

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> Tensor:
        return grad


class Conv(Function):
    """The sum over each window, weighted; both gradients are convolutions again."""

    @staticmethod
    def forward(
        ctx: Function, x: Tensor, w: Tensor, bias: Tensor | None, window, counts
    ) -> Any:
        needs_x, needs_w = ctx.needs_input_grad[:2]
        ctx.save_for_backward(x if needs_w else None, w if needs_x else None)
        ctx.window, ctx.sizes = window, x.shape[2:]
        shift = None if bias is None else bias.data
        return array_first(
            conv_forward(array_last(x.data), w.data, window, counts, shift)
        )

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (x, w), grad = ctx.saved_tensors, batch_last(grad)
        needs_x, needs_w, needs_bias = ctx.needs_input_grad[:3]
        return (
            ConvInput.apply(grad, w, None, ctx.window, ctx.sizes) if needs_x else None,
            ConvWeight.apply(x, grad, ctx.window) if needs_w else None,
            _sum_bias(grad) if needs_bias else None,
            None,
            None,
        )


class ConvInput(Function):
    """The transposed convolution."""

    @staticmethod
    def forward(
        ctx: Function, g: Tensor, w: Tensor, bias: Tensor | None, window, sizes
    ) -> Any:
        needs_g, needs_w = ctx.needs_input_grad[:2]
        ctx.save_for_backward(g if needs_w else None, w if needs_g else None)
        ctx.window, ctx.counts = window, g.shape[2:]
        out = conv_input(array_last(g.data), w.data, window, sizes)
        if bias is not None:
            out += bias.data.reshape(-1, *(1,) * (out.ndim - 1))
        return array_first(out)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (g, w), grad = ctx.saved_tensors, batch_last(grad)
        needs_g, needs_w, needs_bias = ctx.needs_input_grad[:3]
        return (
            Conv.apply(grad, w, None, ctx.window, ctx.counts) if needs_g else None,
            ConvWeight.apply(grad, g, ctx.window) if needs_w else None,
            _sum_bias(grad) if needs_bias else None,
            None,
            None,
        )


class ConvWeight(Function):
    """The gradient of the weight."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, g: Tensor, window: Window) -> Any:
        needs_x, needs_g = ctx.needs_input_grad[:2]
        ctx.save_for_backward(x if needs_g else None, g if needs_x else None)
        ctx.window, ctx.sizes, ctx.counts = window, x.shape[2:], g.shape[2:]
        return conv_weight(array_last(x.data), array_last(g.data), window)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        x, g = ctx.saved_tensors
        needs_x, needs_g = ctx.needs_input_grad[:2]
        return (
            ConvInput.apply(g, grad, None, ctx.window, ctx.sizes) if needs_x else None,
            Conv.apply(x, grad, None, ctx.window, ctx.counts) if needs_g else None,
            None,
        )


def batch_last(x: Tensor) -> Tensor:
    """`x` itself where its memory has the order that the windows want."""
    return x if moved(x.data).flags.c_contiguous else BatchLast.apply(x)


def _sum_bias(grad: Tensor) -> Tensor:
    return grad.sum((0, *range(2, grad.ndim)))
