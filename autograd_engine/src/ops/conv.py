"""Convolutions and transposed convolutions of one, two and three spatial axes."""

from jaxtyping import Float

from ..engine.dtypes import float16, float32
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .conv_functions import Conv, ConvInput, batch_last
from .geometry import Image, Signal, Sizes, per_axis, with_batch
from .windows import Window


@contract
def conv1d(
    input: Signal,
    weight: Float[Tensor, "out_channels group_channels kernel"],
    bias: Float[Tensor, " out_channels"] | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Float[Tensor, "*batch out_channels out_length"]:
    """The dot product of each window with each kernel (cross-correlation), plus bias.

    `padding` is a number of zeros on both sides, "valid" (none) or "same".
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


@contract
def conv2d(
    input: Image,
    weight: Float[Tensor, "out_channels group_channels kernel_height kernel_width"],
    bias: Float[Tensor, " out_channels"] | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Float[Tensor, "*batch out_channels out_height out_width"]:
    """As `conv1d`, over height and width."""
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


@contract
def conv3d(
    input: Float[Tensor, "*batch channel depth height width"],
    weight: Float[
        Tensor, "out_channels group_channels kernel_depth kernel_height kernel_width"
    ],
    bias: Float[Tensor, " out_channels"] | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Float[Tensor, "*batch out_channels out_depth out_height out_width"]:
    """As `conv1d`, over depth, height and width."""
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


@contract
def conv_transpose1d(
    input: Signal,
    weight: Float[Tensor, "channel group_channels kernel"],
    bias: Float[Tensor, " out_channels"] | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Float[Tensor, "*batch out_channels out_length"]:
    """The map that `conv1d` with these options has as its gradient: it spreads kernels.

    `output_padding` adds to the length of the result, at its end.
    """
    return _transpose(
        1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@contract
def conv_transpose2d(
    input: Image,
    weight: Float[Tensor, "channel group_channels kernel_height kernel_width"],
    bias: Float[Tensor, " out_channels"] | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Float[Tensor, "*batch out_channels out_height out_width"]:
    """As `conv_transpose1d`, over height and width."""
    return _transpose(
        2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@contract
def conv_transpose3d(
    input: Float[Tensor, "*batch channel depth height width"],
    weight: Float[
        Tensor, "channel group_channels kernel_depth kernel_height kernel_width"
    ],
    bias: Float[Tensor, " out_channels"] | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Float[Tensor, "*batch out_channels out_depth out_height out_width"]:
    """As `conv_transpose1d`, over depth, height and width."""
    return _transpose(
        3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def _conv(axes, x, w, bias, stride, padding, dilation, groups) -> Tensor:
    name = f"conv{axes}d"
    stride = per_axis(name, "stride", stride, axes)
    dilation = per_axis(name, "dilation", dilation, axes)
    _check(name, x, w, bias, groups, len(w.data) if w.ndim else 0)
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
        name, x, axes, lambda t: Conv.apply(batch_last(t), w, bias, window, counts)
    )


def _transpose(axes, x, w, bias, stride, padding, output_padding, groups, dilation):
    name = f"conv_transpose{axes}d"
    stride = per_axis(name, "stride", stride, axes)
    dilation = per_axis(name, "dilation", dilation, axes)
    pad = per_axis(name, "padding", padding, axes, 0)
    extra = per_axis(name, "output_padding", output_padding, axes, 0)
    _check(name, x, w, bias, groups, w.shape[1] * groups)
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


def _check(name, x, w, bias, groups: int, out_channels: int) -> None:
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
