"""Maxima and means over windows, of one or two spatial axes.

A window is gone through place by place: the elements at one place of all windows are
one slice of the input, so that a pooling costs a few passes and no copies of windows.
"""

import functools
import math
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ..engine.backend import array_module
from ..engine.dtypes import float16, float32
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .geometry import Image, Signal, Sizes, per_axis, with_batch
from .pooling_functions import MaxPool, Mean, Plan, even, sliding
from .windows import Window


PooledSignal = Float[Tensor, "*batch channel out_length"]
PooledImage = Float[Tensor, "*batch channel out_height out_width"]
PositionsSignal = Int[Tensor, "*batch channel out_length"]
PositionsImage = Int[Tensor, "*batch channel out_height out_width"]


@contract
def max_pool1d(
    input: Signal,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> PooledSignal | tuple[PooledSignal, PositionsSignal]:
    """The largest element of each window; the stride defaults to the kernel.

    The first of equal ones gets the gradient; NaN wins. `return_indices` gives its
    place in the input too.
    """
    options = (kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return _max_pool(1, input, *options)


@contract
def max_pool2d(
    input: Image,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> PooledImage | tuple[PooledImage, PositionsImage]:
    """As `max_pool1d`; an index counts through height and width, row by row."""
    options = (kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return _max_pool(2, input, *options)


@contract
def avg_pool1d(
    input: Signal,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> PooledSignal:
    """The mean of each window; `count_include_pad` counts the zeros around it too."""
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad)
    return _avg_pool(1, input, *options, None)


@contract
def avg_pool2d(
    input: Image,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> PooledImage:
    """As `avg_pool1d`; the sums are divided by `divisor_override` where it is given."""
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad)
    return _avg_pool(2, input, *options, divisor_override)


@contract
def adaptive_avg_pool1d(input: Signal, output_size: Sizes) -> PooledSignal:
    """The means of `output_size` windows that cover the input evenly.

    Window i reaches from floor(i * n / out) to ceil((i + 1) * n / out).
    """
    return adaptive_mean(1, input, output_size)


@contract
def adaptive_avg_pool2d(
    input: Image,
    output_size: int | tuple[int | None, ...] | None,
) -> PooledImage:
    """As `adaptive_avg_pool1d`; None keeps the size of an axis."""
    return adaptive_mean(2, input, output_size)


@contract
def adaptive_max_pool1d(
    input: Signal,
    output_size: Sizes,
    return_indices: bool = False,
) -> PooledSignal | tuple[PooledSignal, PositionsSignal]:
    """The maxima of the windows of `adaptive_avg_pool1d`."""
    return _adaptive_max(1, input, output_size, return_indices)


@contract
def adaptive_max_pool2d(
    input: Image,
    output_size: int | tuple[int | None, ...] | None,
    return_indices: bool = False,
) -> PooledImage | tuple[PooledImage, PositionsImage]:
    """The maxima of the windows of `adaptive_avg_pool2d`."""
    return _adaptive_max(2, input, output_size, return_indices)


def adaptive_mean(axes: int, x: Tensor, output_size: Any) -> Tensor:
    """`adaptive_avg_pool` over so many spatial axes."""
    name = f"adaptive_avg_pool{axes}d"
    plan = _even(name, axes, x, output_size)
    lengths = [
        [-(-(i + 1) * n // count) - i * n // count for i in range(count)]
        for n, count in zip(plan.sizes, plan.counts, strict=True)
    ]
    divisor = _product(lengths, x)
    return with_batch(name, x, axes, lambda t: Mean.apply(t, plan, divisor))


def _max_pool(axes, x, kernel, stride, padding, dilation, ceil_mode, return_indices):
    name = f"max_pool{axes}d"
    window = _window(name, axes, kernel, stride, padding, dilation)
    plan = _sliding(name, x, window, ceil_mode)
    return with_batch(name, x, axes, lambda t: MaxPool.apply(t, plan, return_indices))


def _avg_pool(axes, x, kernel, stride, padding, ceil_mode, include, divisor):
    name = f"avg_pool{axes}d"
    if divisor == 0:
        raise RuntimeError(f"{name}: divisor_override=0 would divide by zero")
    window = _window(name, axes, kernel, stride, padding, 1)
    plan = _sliding(name, x, window, ceil_mode)
    lengths = [
        _lengths(*numbers, include)
        for numbers in zip(
            plan.sizes,
            plan.counts,
            window.kernel,
            window.stride,
            window.padding,
            strict=True,
        )
    ]
    divisor = _product(lengths, x) if divisor is None else divisor
    return with_batch(name, x, axes, lambda t: Mean.apply(t, plan, divisor))


def _adaptive_max(axes, x, output_size, return_indices):
    name = f"adaptive_max_pool{axes}d"
    plan = _even(name, axes, x, output_size)
    return with_batch(name, x, axes, lambda t: MaxPool.apply(t, plan, return_indices))


def _window(name, axes, kernel, stride, padding, dilation) -> Window:
    kernel = per_axis(name, "kernel_size", kernel, axes)
    # torch takes an empty stride for none given.
    stride = kernel if stride is None or stride == () else stride
    stride = per_axis(name, "stride", stride, axes)
    padding = per_axis(name, "padding", padding, axes, 0)
    dilation = per_axis(name, "dilation", dilation, axes)
    for p, k, d in zip(padding, kernel, dilation, strict=True):
        if p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                f"{name}: padding={padding} is more than half of the kernel {kernel}: "
                "windows without any element would have no result"
            )
    return Window(kernel, stride, tuple((p, p) for p in padding), dilation)


def _sliding(name: str, x: Tensor, window: Window, ceil_mode: bool) -> Plan:
    sizes = x.shape[-len(window.kernel) :]
    counts = list(window.counts(sizes))
    if ceil_mode:
        for i, (n, (p, _)) in enumerate(zip(sizes, window.padding, strict=True)):
            k, s, d = window.kernel[i], window.stride[i], window.dilation[i]
            counts[i] = -(-(n + 2 * p - d * (k - 1) - 1) // s) + 1
            # A window that would begin in the padding behind the input is left out.
            counts[i] -= (counts[i] - 1) * s >= n + p
    if min(counts) < 1:
        raise RuntimeError(
            f"{name}: the kernel {window.kernel} (dilation {window.dilation}) is "
            f"larger than the input {sizes} with its padding"
        )
    return sliding(sizes, window, tuple(counts))


def _even(name: str, axes: int, x: Tensor, output_size) -> Plan:
    sizes = x.shape[-axes:]
    wanted = output_size if isinstance(output_size, (tuple, list)) else [output_size]
    wanted = list(wanted) * (axes if len(wanted) == 1 else 1)
    if len(wanted) == axes:
        pairs = zip(wanted, sizes, strict=True)
        wanted = [n if size is None else size for size, n in pairs]
    counts = per_axis(name, "output_size", tuple(wanted), axes)
    if 0 in sizes:
        raise RuntimeError(f"{name}: input {x.shape} has no elements to pool")
    return even(sizes, counts)


def _lengths(n, count, k, s, padding, include: bool) -> list[int]:
    """How many elements each window along one axis counts."""
    starts = range(-padding[0], -padding[0] + count * s, s)
    if include:
        return [min(start + k, n + padding[1]) - start for start in starts]
    return [min(start + k, n) - max(start, 0) for start in starts]


def _product(lengths: list[list[int]], x: Tensor) -> Any:
    """The sizes of the windows, as one number where all are alike."""
    if all(len(set(line)) == 1 for line in lengths):
        return math.prod(line[0] for line in lengths)
    kind = float32 if x.dtype == float16 else x.dtype
    xp = array_module(x.data)
    return functools.reduce(
        np.multiply.outer, [xp.asarray(line, kind) for line in lengths]
    )
