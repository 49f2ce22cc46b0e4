"""Windows as columns, and columns added up as windows."""

import math
from typing import Any

from jaxtyping import Float

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .geometry import Image, Sizes, per_axis, with_batch
from .memory_order import array_first, array_last
from .windows import Window, pad, windows_of


Columns = Float[Tensor, "*batch elements windows"]


@contract
def unfold(
    input: Image,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Columns:
    """Each window as a column of channel * kernel height * kernel width elements."""
    window = _window("unfold", kernel_size, dilation, padding, stride)
    if min(window.counts(input.shape[-2:])) < 1:
        raise RuntimeError(
            f"unfold: the kernel {window.kernel} (dilation {window.dilation}) is "
            f"larger than the input {input.shape[-2:]} with padding {padding}"
        )
    return with_batch("unfold", input, 2, lambda t: Unfold.apply(t, window))


@contract
def fold(
    input: Columns,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Float[Tensor, "*batch channel out_height out_width"]:
    """The image in which each column is added at the place of its window.

    The gradient of `unfold`; where windows overlap, their elements are summed.
    """
    window = _window("fold", kernel_size, dilation, padding, stride)
    sizes = per_axis("fold", "output_size", output_size, 2)
    counts = window.counts(sizes)
    rows, columns = input.shape[-2:] if input.ndim > 1 else (0, 0)
    if rows % math.prod(window.kernel) or not rows:
        raise RuntimeError(
            f"fold: {rows} rows of input {input.shape} are not a multiple of the "
            f"kernel {window.kernel}"
        )
    if min(counts) < 1 or columns != math.prod(counts):
        raise RuntimeError(
            f"fold: {columns} columns of input {input.shape}, but the output {sizes} "
            f"has {max(counts[0], 0)} * {max(counts[1], 0)} windows"
        )
    return with_batch("fold", input, 1, lambda t: Fold.apply(t, window, sizes))


class Unfold(Function):
    """Windows to columns; its gradient is `Fold`."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, window: Window) -> Any:
        ctx.window, ctx.sizes = window, x.shape[2:]
        columns = windows_of(
            pad(array_last(x.data), window), window.counts(ctx.sizes), window
        )
        rows = x.shape[1] * math.prod(window.kernel)
        # (C, kh, kw, oh, ow, N) -> (N, C * kh * kw, oh * ow)
        places = math.prod(columns.shape[3:5])
        return columns.transpose(5, 0, 1, 2, 3, 4).reshape(len(x.data), rows, places)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Fold.apply(grad, ctx.window, ctx.sizes), None


class Fold(Function):
    """Columns to windows, added up; its gradient is `Unfold`."""

    @staticmethod
    def forward(ctx: Function, g: Tensor, window: Window, sizes: tuple) -> Any:
        ctx.window = window
        counts = window.counts(sizes)
        channels = g.shape[1] // math.prod(window.kernel)
        parts = g.data.reshape(len(g.data), channels, *window.kernel, *counts)
        (top, bottom), (left, right) = window.padding
        shape = (channels, sizes[0] + top + bottom, sizes[1] + left + right)
        x = array_module(g.data).zeros((*shape, len(g.data)), g.dtype)
        windows = windows_of(x, counts, window).transpose(5, 0, 1, 2, 3, 4)
        for i, j in window.offsets():
            place = windows[:, :, i, j]
            place += parts[:, :, i, j]
        inside = x[:, top : top + sizes[0], left : left + sizes[1]]
        return array_first(inside)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Unfold.apply(grad, ctx.window), None, None


def _window(name: str, kernel, dilation, padding, stride) -> Window:
    padding = per_axis(name, "padding", padding, 2, 0)
    return Window(
        per_axis(name, "kernel_size", kernel, 2),
        per_axis(name, "stride", stride, 2),
        tuple((p, p) for p in padding),
        per_axis(name, "dilation", dilation, 2),
    )
