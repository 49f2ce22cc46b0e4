"""Convolutions and transposed convolutions of one, two and three spatial axes.

<g, conv(x, w)> is linear in x, w and g. Its three partial derivatives are the
transposed convolution, the gradient of the weight and the convolution itself: three
operations, each differentiated by the other two, as often as one likes.
"""

from typing import Any

from jaxtyping import Float

from ..engine.backend import array_module
from ..engine.dtypes import float16, float32, is_floating
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .geometry import Sizes, per_axis, with_batch
from .windows import Window, conv_forward, conv_input, conv_weight


@contract
def conv1d(
    input: Float[Tensor, "*batch channel length"],
    weight: Float[Tensor, "out_channels group_channels kernel"],
    bias: Float[Tensor, " out_channels"] | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Float[Tensor, "*batch out_channels _"]:
    """The dot product of each window with each kernel (cross-correlation), plus bias.

    `padding` is a number of zeros on both sides, "valid" (none) or "same".
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


@contract
def conv2d(
    input: Float[Tensor, "*batch channel height width"],
    weight: Float[Tensor, "out_channels group_channels kernel_height kernel_width"],
    bias: Float[Tensor, " out_channels"] | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Float[Tensor, "*batch out_channels _ _"]:
    """As `conv1d`, over height and width."""
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


@contract
def conv3d(
    input: Float[Tensor, "*batch channel depth height width"],
    weight: Float[Tensor, "out_channels group_channels _ _ _"],
    bias: Float[Tensor, " out_channels"] | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Float[Tensor, "*batch out_channels _ _ _"]:
    """As `conv1d`, over depth, height and width."""
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


@contract
def conv_transpose1d(
    input: Float[Tensor, "*batch channel length"],
    weight: Float[Tensor, "channel group_channels kernel"],
    bias: Float[Tensor, " out_channels"] | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Float[Tensor, "*batch _ _"]:
    """The map that `conv1d` with these options has as its gradient: it spreads kernels.

    `output_padding` adds to the length of the result, at its end.
    """
    return _transpose(
        1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@contract
def conv_transpose2d(
    input: Float[Tensor, "*batch channel height width"],
    weight: Float[Tensor, "channel group_channels kernel_height kernel_width"],
    bias: Float[Tensor, " out_channels"] | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Float[Tensor, "*batch _ _ _"]:
    """As `conv_transpose1d`, over height and width."""
    return _transpose(
        2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


class BatchLast(Function):
    """The same values in memory of the order channel, height, width, batch."""

    @staticmethod
    def forward(ctx: Function, x: Tensor) -> Any:
        return _first(_last(x.data))

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> Tensor:
        return grad


class Conv(Function):
    @staticmethod
    def forward(ctx: Function, x: Tensor, w: Tensor, bias: Tensor | None, window):
        needs_x, needs_w = ctx.needs_input_grad[:2]
        ctx.save_for_backward(x if needs_w else None, w if needs_x else None)
        ctx.window, ctx.sizes = window, x.shape[2:]
        shift = None if bias is None else bias.data
        return _first(conv_forward(_last(x.data), w.data, window, shift))

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (x, w), grad = ctx.saved_tensors, batch_last(grad)
        needs_x, needs_w, needs_bias = ctx.needs_input_grad[:3]
        return (
            ConvInput.apply(grad, w, None, ctx.window, ctx.sizes) if needs_x else None,
            ConvWeight.apply(x, grad, ctx.window) if needs_w else None,
            _sum_bias(grad) if needs_bias else None,
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
        ctx.window = window
        out = conv_input(_last(g.data), w.data, window, sizes)
        if bias is not None:
            out += bias.data.reshape(-1, *(1,) * (out.ndim - 1))
        return _first(out)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (g, w), grad = ctx.saved_tensors, batch_last(grad)
        needs_g, needs_w, needs_bias = ctx.needs_input_grad[:3]
        return (
            Conv.apply(grad, w, None, ctx.window) if needs_g else None,
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
        ctx.window, ctx.sizes = window, x.shape[2:]
        return conv_weight(_last(x.data), _last(g.data), window)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        x, g = ctx.saved_tensors
        needs_x, needs_g = ctx.needs_input_grad[:2]
        return (
            ConvInput.apply(g, grad, None, ctx.window, ctx.sizes) if needs_x else None,
            Conv.apply(x, grad, None, ctx.window) if needs_g else None,
            None,
        )


def batch_last(x: Tensor) -> Tensor:
    """`x` itself where its memory has the order that the windows want."""
    return x if _moved(x.data).flags.c_contiguous else BatchLast.apply(x)


def _moved(array: Any) -> Any:
    return array.transpose(*range(1, array.ndim), 0)


def _last(array: Any) -> Any:
    return array_module(array).ascontiguousarray(_moved(array))


def _first(array: Any) -> Any:
    return array.transpose(array.ndim - 1, *range(array.ndim - 1))


def _sum_bias(grad: Tensor) -> Tensor:
    return grad.sum((0, *range(2, grad.ndim)))


def _conv(axes, x, w, bias, stride, padding, dilation, groups) -> Tensor:
    name = f"conv{axes}d"
    stride = per_axis(name, "stride", stride, axes)
    dilation = per_axis(name, "dilation", dilation, axes)
    _check(name, x, w, bias, axes, groups, len(w.data) if w.ndim else 0)
    channels = x.shape[-axes - 1] if x.ndim > axes else 0
    if channels != w.shape[1] * groups:
        raise RuntimeError(
            f"{name}: input {x.shape} has {channels} channels, weight {w.shape} with "
            f"groups={groups} wants {w.shape[1] * groups}"
        )
    kernel = w.shape[2:]
    pairs = _padding(name, padding, kernel, stride, dilation)
    window = Window(kernel, stride, pairs, dilation, groups)
    counts = window.counts(x.shape[-axes:])
    if min(counts) < 1:
        raise RuntimeError(
            f"{name}: the kernel {kernel} (dilation {dilation}) is larger than the "
            f"input {x.shape[-axes:]} with padding {padding}"
        )
    w, bias = _single(w), _single(bias)
    return with_batch(
        name, x, axes, lambda t: Conv.apply(batch_last(t), w, bias, window)
    )


def _transpose(axes, x, w, bias, stride, padding, output_padding, groups, dilation):
    name = f"conv_transpose{axes}d"
    stride = per_axis(name, "stride", stride, axes)
    dilation = per_axis(name, "dilation", dilation, axes)
    pad = per_axis(name, "padding", padding, axes, 0)
    extra = per_axis(name, "output_padding", output_padding, axes, 0)
    _check(name, x, w, bias, axes, groups, w.shape[1] * groups)
    for e, s, d in zip(extra, stride, dilation, strict=True):
        if e >= max(s, d):
            raise RuntimeError(
                f"{name}: output_padding={output_padding} is not smaller than stride "
                f"{stride} or dilation {dilation}"
            )
    kernel = w.shape[2:]
    sizes = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(
            x.shape[-axes:], stride, pad, dilation, kernel, extra, strict=True
        )
    )
    if min(sizes) < 1:
        raise RuntimeError(f"{name}: input {x.shape} would give the sizes {sizes}")
    window = Window(kernel, stride, tuple((p, p) for p in pad), dilation, groups)
    w, bias = _single(w), _single(bias)
    return with_batch(
        name, x, axes, lambda t: ConvInput.apply(batch_last(t), w, bias, window, sizes)
    )


def _check(name, x, w, bias, axes: int, groups: int, out_channels: int) -> None:
    if not isinstance(groups, int) or groups < 1 or len(w.data) % groups:
        raise RuntimeError(
            f"{name}: groups={groups} does not divide the {len(w.data)} kernels of "
            f"weight {w.shape}"
        )
    if 0 in w.shape:
        raise RuntimeError(f"{name}: weight {w.shape} has no elements")
    if bias is not None and bias.shape != (out_channels,):
        raise RuntimeError(
            f"{name}: bias {bias.shape} for {out_channels} output channels"
        )
    for other in (w, bias):
        if other is not None and other.dtype != x.dtype:
            raise RuntimeError(
                f"{name}: input is {x.dtype}, weight or bias {other.dtype}; convert one"
            )


def _padding(name, padding, kernel, stride, dilation) -> tuple:
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding == "same":
        if max(stride) > 1:
            raise RuntimeError(f"{name}: padding='same' needs stride 1, not {stride}")
        reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((r // 2, r - r // 2) for r in reach)
    if isinstance(padding, str):
        raise RuntimeError(
            f"{name}: padding={padding!r} is not a number, 'same' or 'valid'"
        )
    return tuple((p, p) for p in per_axis(name, "padding", padding, len(kernel), 0))


def _single(x: Tensor | None) -> Tensor | None:
    return x.to(float32) if x is not None and x.dtype == float16 else x
