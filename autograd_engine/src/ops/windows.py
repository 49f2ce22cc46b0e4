"""Convolutions as matrix products, on arrays whose last axis is the batch.

A window is what a kernel looks at for one output. In memory of the order (channel,
height, width, batch) the elements at one place of neighbouring windows are neighbours,
so that the matrix of windows (im2col) is written in long rows, and the result of the
product has that order again: nothing is ever transposed between two layers. Where the
matrix is large it is made in pieces that stay in the cache, and made anew in the
backward pass instead of kept.

Arrays: x (C, *sizes, N), weight (F, C / groups, *kernel), g and result (F, *out, N).
The three functions are the partial derivatives of <g, conv(x, weight)>.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.backend import array_module


PIECE = 2**21  # bytes of one piece of the matrix of windows: what the caches hold


@dataclass(frozen=True, slots=True)
class Window:
    """Where windows lie, a number for each spatial axis; padding is (before, after)."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1

    def counts(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """How many windows fit along each axis; below 1: none."""
        return tuple(
            (n + sum(p) - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(
                sizes,
                self.kernel,
                self.stride,
                self.padding,
                self.dilation,
                strict=True,
            )
        )

    def offsets(self) -> Iterator[tuple[int, ...]]:
        """The places inside a window, row by row."""
        return itertools.product(*map(range, self.kernel))

    @property
    def copies(self) -> bool:
        """Whether the matrix of windows is anything but the input itself."""
        return any(k > 1 for k in self.kernel) or any(s > 1 for s in self.stride)


def conv_forward(
    x: Any, weight: Any, window: Window, counts: tuple[int, ...], bias: Any = None
) -> Any:
    """Each of the first `counts` windows times the kernels; `bias` (F) is added."""
    x = pad(x, window)
    matrix = _grouped(weight, window)
    out = array_module(x).empty((len(weight), *counts, x.shape[-1]), x.dtype)
    shift = None if bias is None else bias.reshape(window.groups, -1, 1)
    windows = windows_of(x, counts, window)
    for region, buffer in _pieces(x, counts, window):
        columns = _columns(windows, region, window, buffer)
        part = _rows(out, region, window)
        np.matmul(matrix, columns, out=part)
        if shift is not None:
            part += shift
    return out


def conv_input(g: Any, weight: Any, window: Window, sizes: tuple[int, ...]) -> Any:
    """The gradient of x, and the transposed convolution of g: shape (C, *sizes, N)."""
    mirrored = _mirrored(window)
    if _flips(weight, window) and mirrored.counts(g.shape[1:-1]) == tuple(sizes):
        return conv_forward(g, _flipped(weight, window), mirrored, tuple(sizes))
    matrix = _grouped(weight, window).swapaxes(1, 2)
    channels = matrix.shape[0] * matrix.shape[1] // math.prod(window.kernel)
    padded = [n + sum(p) for n, p in zip(sizes, window.padding, strict=True)]
    xp = array_module(g)
    x = xp.zeros((channels, *padded, g.shape[-1]), g.dtype)
    windows = windows_of(x, g.shape[1:-1], window)
    for region, buffer in _pieces(x, g.shape[1:-1], window):
        part = _rows(g, region, window)
        columns = buffer.reshape(*matrix.shape[:2], part.shape[2])
        np.matmul(matrix, part, out=columns)
        for offset in window.offsets():
            place = windows[(slice(None), *offset, *region)]
            np.add(place, buffer[(slice(None), *offset)], out=place)
    return x[(slice(None), *_inside(sizes, window))]


def conv_weight(x: Any, g: Any, window: Window) -> Any:
    """The gradient of the weight: each window times the gradient of its outputs."""
    x = pad(x, window)
    channels = len(x) // window.groups
    rows = channels * math.prod(window.kernel)
    kernels = len(g) // window.groups
    total = array_module(x).zeros((window.groups, rows, kernels), x.dtype)
    windows = windows_of(x, g.shape[1:-1], window)
    for region, buffer in _pieces(x, g.shape[1:-1], window):
        columns = _columns(windows, region, window, buffer)
        # This way around: the product of few kernels by many columns is slow.
        total += columns @ _rows(g, region, window).swapaxes(1, 2)
    return total.swapaxes(1, 2).reshape(len(g), channels, *window.kernel)


def windows_of(x: Any, counts: tuple[int, ...], window: Window) -> Any:
    """A view of the padded x: (C, *kernel, *counts, N). It overlaps itself."""
    inner = x.strides[1:-1]
    within = [t * d for t, d in zip(inner, window.dilation, strict=True)]
    between = [t * s for t, s in zip(inner, window.stride, strict=True)]
    return array_module(x).lib.stride_tricks.as_strided(
        x,
        (len(x), *window.kernel, *counts, x.shape[-1]),
        (x.strides[0], *within, *between, x.strides[-1]),
    )


def pad(x: Any, window: Window) -> Any:
    """`x` with the zeros of the padding around it."""
    if not any(map(any, window.padding)):
        return x
    sizes = x.shape[1:-1]
    padded = [n + sum(p) for n, p in zip(sizes, window.padding, strict=True)]
    out = array_module(x).zeros((len(x), *padded, x.shape[-1]), x.dtype)
    out[(slice(None), *_inside(sizes, window))] = x
    return out


def _inside(sizes: tuple[int, ...], window: Window) -> tuple[slice, ...]:
    """Where the input lies in the padded one."""
    pairs = zip(sizes, window.padding, strict=True)
    return tuple(slice(before, before + n) for n, (before, _) in pairs)


def _grouped(weight: Any, window: Window) -> Any:
    """(groups, F / groups, C / groups * kernel)."""
    return weight.reshape(window.groups, len(weight) // window.groups, -1)


def _rows(array: Any, region: tuple[slice, ...], window: Window) -> Any:
    """A region as (groups, channels / groups, places * batch), a view if it can be."""
    part = array[(slice(None), *region)]
    lead = (window.groups, len(array) // window.groups)
    return part.reshape(*lead, math.prod(part.shape[1:]))


def _pieces(x: Any, counts: tuple[int, ...], window: Window) -> Iterator[tuple]:
    """Regions of the output, with memory for their windows: (C, *kernel, *region, N).

    A region is some whole rows, or a part of one row: the output is contiguous there.
    """
    lead = (len(x), *window.kernel)
    batch = x.shape[-1]
    size = math.prod(lead) * batch * x.itemsize
    row = size * math.prod(counts[1:])
    first = min(max(1, PIECE // max(row, 1)), counts[0])
    second = counts[1:2]
    if second and row > PIECE and counts[0] >= 1:
        second = (max(1, PIECE // (size * math.prod(counts[2:]))),)
    memory = array_module(x).empty(
        (size // x.itemsize * first * math.prod((*second, *counts[2:])),), x.dtype
    )
    steps = (first, *second)
    starts = [range(0, n, step) for n, step in zip(counts, steps, strict=False) if step]
    for corner in itertools.product(*starts):
        region = tuple(
            slice(c, min(c + step, n))
            for c, step, n in zip(corner, steps, counts, strict=False)
        ) + tuple(slice(0, n) for n in counts[2:])
        shape = (*lead, *(r.stop - r.start for r in region), batch)
        yield region, memory[: math.prod(shape)].reshape(shape)


def _columns(
    windows: Any, region: tuple[slice, ...], window: Window, buffer: Any
) -> Any:
    """The windows of `region` as (groups, C / groups * kernel, windows * batch)."""
    rows = len(windows) // window.groups * math.prod(window.kernel)
    part = windows[(slice(None),) * (1 + len(region)) + region]
    if window.copies:
        np.copyto(buffer, part)
        part = buffer
    return part.reshape(
        window.groups, rows, math.prod(buffer.shape[-len(region) - 1 :])
    )


def _flips(weight: Any, window: Window) -> bool:
    """Whether a convolution of g costs less than adding up the windows."""
    fits = all(
        d * (k - 1) >= max(p)
        for k, p, d in zip(window.kernel, window.padding, window.dilation, strict=True)
    )
    narrow = len(weight) <= weight.shape[1] * window.groups
    return fits and narrow and all(s == 1 for s in window.stride)


def _flipped(weight: Any, window: Window) -> Any:
    """The kernel turned around, with inputs and outputs changed."""
    per, kernel = len(weight) // window.groups, window.kernel
    turned = np.flip(weight, tuple(range(2, weight.ndim)))
    turned = turned.reshape(window.groups, per, -1, *kernel).swapaxes(1, 2)
    return turned.reshape(-1, per, *kernel)


def _mirrored(window: Window) -> Window:
    reach = [d * (k - 1) for k, d in zip(window.kernel, window.dilation, strict=True)]
    padding = tuple(
        (r - a, r - b) for r, (a, b) in zip(reach, window.padding, strict=True)
    )
    return Window(window.kernel, window.stride, padding, window.dilation, window.groups)
