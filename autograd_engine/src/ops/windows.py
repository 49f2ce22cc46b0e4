"""Convolutions as matrix products, on arrays whose last axis is the batch.

A window is what a kernel looks at for one output. In memory of the order (channel,
height, width, batch) the elements at one place of neighbouring windows are neighbours,
so that the matrix of windows (im2col) is written in long rows, and the result of the
product has that order again: nothing is ever transposed between two layers. Where the
matrix is large it is made in pieces that stay in the cache, and made anew in the
backward pass instead of kept.

Arrays: x (C, *sizes, N), weight (F, C / groups, *kernel), g and the result (F, *out, N).
The three functions are the partial derivatives of <g, conv(x, weight)>.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.backend import array_module


PIECE = 2**20  # bytes of one piece of the matrix of windows: about the L2 cache


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

    def at(self, offset: tuple[int, ...], region: tuple[slice, ...]) -> tuple:
        """The slices of the padded input at one place of the windows of `region`."""
        return tuple(
            slice(r.start * s + o * d, (r.stop - 1) * s + o * d + 1, s)
            for r, o, s, d in zip(
                region, offset, self.stride, self.dilation, strict=True
            )
        )

    @property
    def copies(self) -> bool:
        """Whether the matrix of windows is anything but the input itself."""
        return any(k > 1 for k in self.kernel) or any(s > 1 for s in self.stride)


def conv_forward(x: Any, weight: Any, window: Window, bias: Any = None) -> Any:
    """Each window times the kernels; `bias` (F) is added."""
    x = pad(x, window)
    counts = window.counts(_unpadded(x, window))
    matrix = _grouped(weight, window)
    out = array_module(x).empty((len(weight), *counts, x.shape[-1]), x.dtype)
    shift = None if bias is None else bias.reshape(window.groups, -1, 1)
    for region, buffer in _pieces(x, counts, window):
        columns = _columns(x, region, window, buffer)
        part = out[(slice(None), *region)].reshape(*matrix.shape[:2], -1)
        np.matmul(matrix, columns, out=part)
        if shift is not None:
            part += shift
    return out


def conv_input(g: Any, weight: Any, window: Window, sizes: tuple[int, ...]) -> Any:
    """The gradient of x, and the transposed convolution of g: shape (C, *sizes, N)."""
    if _flips(weight, window):
        return conv_forward(g, _flipped(weight, window), _mirrored(window))
    matrix = _grouped(weight, window).swapaxes(1, 2)
    channels = matrix.shape[0] * matrix.shape[1] // math.prod(window.kernel)
    padded = [n + sum(p) for n, p in zip(sizes, window.padding, strict=True)]
    xp = array_module(g)
    x = xp.zeros((channels, *padded, g.shape[-1]), g.dtype)
    for region, buffer in _pieces(x, g.shape[1:-1], window):
        part = g[(slice(None), *region)].reshape(window.groups, matrix.shape[2], -1)
        columns = buffer.reshape(*matrix.shape[:2], -1)
        np.matmul(matrix, part, out=columns)
        for offset in window.offsets():
            x[(slice(None), *window.at(offset, region))] += buffer[
                (slice(None), *offset)
            ]
    return x[(slice(None), *_inside(sizes, window))]


def conv_weight(x: Any, g: Any, window: Window) -> Any:
    """The gradient of the weight: each window times the gradient of its outputs."""
    x = pad(x, window)
    size = (window.groups, len(g) // window.groups, -1)
    total = None
    for region, buffer in _pieces(x, g.shape[1:-1], window):
        columns = _columns(x, region, window, buffer)
        part = g[(slice(None), *region)].reshape(size)
        found = part @ columns.swapaxes(1, 2)
        total = found if total is None else np.add(total, found, out=total)
    channels = len(x) // window.groups
    return total.reshape(len(g), channels, *window.kernel)


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


def _unpadded(x: Any, window: Window) -> tuple[int, ...]:
    pairs = zip(x.shape[1:-1], window.padding, strict=True)
    return tuple(n - sum(p) for n, p in pairs)


def _grouped(weight: Any, window: Window) -> Any:
    """(groups, F / groups, C / groups * kernel)."""
    return weight.reshape(window.groups, len(weight) // window.groups, -1)


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


def _columns(x: Any, region: tuple[slice, ...], window: Window, buffer: Any) -> Any:
    """The windows of `region` as (groups, C / groups * kernel, windows * batch)."""
    if not window.copies:
        return x[(slice(None), *region)].reshape(
            window.groups, len(x) // window.groups, -1
        )
    for offset in window.offsets():
        buffer[(slice(None), *offset)] = x[(slice(None), *window.at(offset, region))]
    rows = len(x) // window.groups * math.prod(window.kernel)
    return buffer.reshape(window.groups, rows, -1)


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
