"""Pooling as passes over slices: which places of which windows, and the gradients.

Along one axis a `Spot` is one place of many windows: `region`, the windows that have
it, and `place`, the elements that lie there. All spots together are all windows. Each
operation is differentiated by the next one, so that gradients have gradients.
"""

import functools
import itertools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from .windows import Window


class Spot(NamedTuple):
    """One place of the windows along an axis: which windows, which elements."""

    region: slice
    place: slice


@dataclass(frozen=True)
class Plan:
    """The windows over an input of `sizes`, axis by axis; `counts` of them."""

    sizes: tuple[int, ...]
    counts: tuple[int, ...]
    axes: tuple[tuple[Spot, ...], ...]
    disjoint: bool  # no element lies in two windows

    @functools.cached_property
    def spots(self) -> list[tuple[tuple, tuple]]:
        """(region, place) over all axes, row by row."""
        return [
            ((..., *(s.region for s in spots)), (..., *(s.place for s in spots)))
            for spots in itertools.product(*self.axes)
        ]

    @functools.cached_property
    def full(self) -> bool:
        """Whether all windows have the first spot: nothing hangs over the edge."""
        firsts = zip(self.counts, (spots[0] for spots in self.axes), strict=True)
        return all(s.region == slice(0, count) for count, s in firsts)


@functools.lru_cache(maxsize=256)
def sliding(sizes: tuple[int, ...], window: Window, counts: tuple[int, ...]) -> Plan:
    """Windows of one kernel at equal distances; the padding holds no elements."""
    axes, disjoint = [], True
    options = (window.kernel, window.stride, window.padding, window.dilation)
    for n, count, k, s, (p, _), d in zip(sizes, counts, *options, strict=True):
        spots = []
        for start in range(-p, -p + k * d, d):
            low = max(0, -(start // s))
            high = min(count, (n - 1 - start) // s + 1)
            if low < high:
                place = slice(low * s + start, (high - 1) * s + start + 1, s)
                spots.append(Spot(slice(low, high), place))
        axes.append(tuple(spots))
        disjoint = disjoint and s > d * (k - 1)
    return Plan(sizes, counts, tuple(axes), disjoint)


@functools.lru_cache(maxsize=256)
def even(sizes: tuple[int, ...], counts: tuple[int, ...]) -> Plan:
    """Windows that cover the input evenly, as adaptive pooling has them."""
    axes, disjoint = [], True
    for n, count in zip(sizes, counts, strict=True):
        if n % count == 0:
            whole, step = slice(0, count), n // count
            spots = [Spot(whole, slice(t, n - step + t + 1, step)) for t in range(step)]
        else:
            disjoint = False
            spots = [
                Spot(slice(i, i + 1), slice(t, t + 1))
                for i in range(count)
                for t in range(i * n // count, -(-(i + 1) * n // count))
            ]
        axes.append(tuple(spots))
    return Plan(sizes, counts, tuple(axes), disjoint)


class MaxPool(Function):
    """The maximum, and which spot it lies at (kept for the gradient)."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, plan: Plan, positions: bool) -> Any:
        ctx.plan = plan
        track = positions or ctx.needs_input_grad[0]
        out, ctx.index = _maxima(x.data, plan, track)
        if not positions:
            return out
        return out, _positions(ctx.index, plan)

    @staticmethod
    def backward(ctx: Function, grad: Tensor, _: Tensor | None = None) -> tuple:
        return ToSpots.apply(grad, ctx.index, ctx.plan), None, None


class ToSpots(Function):
    """Each element of g goes to the spot that `index` names."""

    @staticmethod
    def forward(ctx: Function, g: Tensor, index: Any, plan: Plan) -> Any:
        ctx.index, ctx.plan = index, plan
        x = np.zeros_like(g.data, shape=(*g.shape[: -len(plan.sizes)], *plan.sizes))
        for code, (region, place) in enumerate(plan.spots):
            mask = index[region] == code
            if plan.disjoint:
                np.multiply(g.data[region], mask, out=x[place])
            else:
                x[place] += g.data[region] * mask
        return x

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return FromSpots.apply(grad, ctx.index, ctx.plan), None, None


class FromSpots(Function):
    """The elements of x at the spots that `index` names."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, index: Any, plan: Plan) -> Any:
        ctx.index, ctx.plan = index, plan
        out = np.zeros_like(x.data, shape=index.shape)
        for code, (region, place) in enumerate(plan.spots):
            np.copyto(out[region], x.data[place], where=index[region] == code)
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return ToSpots.apply(grad, ctx.index, ctx.plan), None, None


class Mean(Function):
    """The sum of each window over its divisor, one axis after the other."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, plan: Plan, divisor: Any) -> Any:
        ctx.plan, ctx.divisor = plan, divisor
        out = x.data
        for axis, spots in _by_axis(plan):
            shape = list(out.shape)
            shape[axis] = plan.counts[axis]
            if shape[axis] == 1 and len(spots) == plan.sizes[axis]:
                out = out.sum(axis, keepdims=True)  # one window is the whole axis
                continue
            if spots[0].region == slice(0, shape[axis]):
                total, spots = out[_at(axis, spots[0].place)].copy(order="K"), spots[1:]
            else:
                total = np.zeros_like(out, shape=shape)
            for region, place in spots:
                total[_at(axis, region)] += out[_at(axis, place)]
            out = total
        return np.divide(out, divisor, out=out)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Spread.apply(grad, ctx.plan, ctx.divisor), None, None


class Spread(Function):
    """g over its divisor, added to every element of its window."""

    @staticmethod
    def forward(ctx: Function, g: Tensor, plan: Plan, divisor: Any) -> Any:
        ctx.plan, ctx.divisor = plan, divisor
        out = g.data / divisor
        for axis, spots in _by_axis(plan):
            shape = list(out.shape)
            shape[axis] = plan.sizes[axis]
            total = np.zeros_like(out, shape=shape)
            if plan.counts[axis] == 1 and len(spots) == shape[axis]:
                total[...] = out
                spots = ()
            for region, place in spots:
                if plan.disjoint:
                    total[_at(axis, place)] = out[_at(axis, region)]
                else:
                    total[_at(axis, place)] += out[_at(axis, region)]
            out = total
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Mean.apply(grad, ctx.plan, ctx.divisor), None, None


def _maxima(x: Any, plan: Plan, track: bool) -> tuple[Any, Any]:
    """The maxima, and the number of the spot of each."""
    shape = (*x.shape[: -len(plan.sizes)], *plan.counts)
    spots = list(enumerate(plan.spots))
    kind = np.uint8 if len(spots) <= 256 else np.int32
    out = np.empty_like(x, shape=shape)
    index = np.zeros_like(x, shape=shape, dtype=kind) if track else None
    # Backwards, so that each window begins with its own first element.
    for code, (region, place) in spots[:1] if plan.full else reversed(spots):
        out[region] = x[place]
        if track and not plan.full:
            index[region] = code
    for code, (region, place) in spots[1:] if plan.full else spots:
        best, part = out[region], x[place]
        if track:
            # Codes rise, so that the last improvement has the largest one.
            better = np.greater(part, best).view(np.uint8) * kind(code)
            np.maximum(index[region], better, out=index[region])
        np.maximum(best, part, out=best)
    if track and out.size and x.dtype.kind == "f" and np.isnan(out.max()):
        for code, (region, place) in spots:
            np.copyto(index[region], kind(code), where=np.isnan(x[place]))
    return out, index


def _positions(index: Any, plan: Plan) -> Any:
    """Where in the input, counted row by row, the spots of `index` lie."""
    xp = array_module(index)
    grid = xp.arange(np.prod(plan.sizes, dtype=np.int64)).reshape(plan.sizes)
    out = xp.zeros(index.shape, np.int64)
    for code, (region, place) in enumerate(plan.spots):
        np.copyto(out[region], grid[place], where=index[region] == code)
    return out


def _by_axis(plan: Plan) -> list[tuple[int, tuple[Spot, ...]]]:
    """The axes counted from the end, so that they index sizes and arrays alike."""
    return [(i - len(plan.axes), spots) for i, spots in enumerate(plan.axes)]


def _at(axis: int, part: slice) -> tuple:
    return (..., part, *(slice(None),) * (-axis - 1))
