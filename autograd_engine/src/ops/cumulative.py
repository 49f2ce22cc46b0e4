"""Running sums, products, extremes along an axis; differences and areas."""

import math
from typing import Any

import numpy as np

from ..engine.backend import array_module, running
from ..engine.dtypes import check_dtype
from ..engine.function import Function
from ..engine.grad_mode import is_grad_enabled
from ..engine.tensor import Tensor
from .calculus import exp, log
from .choices import where
from .extrema import Found
from .fused import constant
from .places import along, read_at
from .reductions import normalize_dim, sum, sum_dtype
from .rules import fitting, quiet, whole


class CumSum(Function):
    """The sum up to each element, or from each on; each is the other's derivative."""

    @staticmethod
    @quiet
    def forward(ctx: Function, x: Tensor, axis: int, reverse: bool) -> np.ndarray:
        ctx.axis, ctx.reverse = axis, reverse
        return _running(np.add, x.data, axis, reverse)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return CumSum.apply(grad, ctx.axis, not ctx.reverse), None, None


class CumProd(Function):
    """Backward without zeros: (sum of what follows of g out) / x.

    At the first zero of a row the products go on without it until the next one; after
    it the derivative is 0.
    """

    @staticmethod
    @quiet
    def forward(ctx: Function, x: Tensor, axis: int) -> np.ndarray:
        ctx.axis = axis
        ctx.save_for_backward(x)
        return np.cumprod(x.data, axis, x.data.dtype)

    @staticmethod
    @quiet
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        axis = ctx.axis
        zero = x.data == 0
        if not zero.any():
            return CumSum.apply(grad * cumprod(x, axis), axis, True) / x, None
        if is_grad_enabled():
            raise NotImplementedError(
                "cumprod: the derivative at an element that is 0 has no second one here"
            )
        seen = np.cumsum(zero, axis)
        filled = np.where(zero, 1, x.data)
        terms = grad.data * np.cumprod(filled, axis, x.data.dtype)
        before = _running(np.add, np.where(seen == 0, terms, 0), axis, True) / filled
        at = np.where(seen == 1, terms, 0).sum(axis, keepdims=True)
        out = np.where(seen == 0, before, np.where(zero & (seen == 1), at, 0))
        return out.astype(x.dtype, copy=False), None


class LogCumSumExp(Function):
    """log of the running sum of e^x; gradients of both signs stay in logarithms."""

    @staticmethod
    @quiet
    def forward(ctx: Function, x: Tensor, axis: int, reverse: bool) -> np.ndarray:
        ctx.axis, ctx.reverse = axis, reverse
        out = whole(_running(np.logaddexp, x.data, axis, reverse))
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    @quiet
    def backward(ctx: Function, grad: Tensor) -> tuple:
        x, out = ctx.saved_tensors
        # An element of -inf adds e^x = 0 to each sum, whatever the sum is.
        absent, total = constant(x.data == -math.inf), None
        for side in (1, -1):
            chosen = constant(grad.data * side > 0)
            size = log(where(chosen, grad * side, 1))
            size = where(chosen, size - out, -math.inf)
            part = exp(LogCumSumExp.apply(size, ctx.axis, not ctx.reverse) + x)
            part = where(absent, 0, part)
            total = part if total is None else total - part
        return total, None, None


def cumsum(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sum of the elements up to each along `dim`; integers and bools as int64."""
    x, axis = _prepared("cumsum", x, dim, dtype)
    return x.clone() if x.ndim == 0 else CumSum.apply(x, axis, False)


def cumprod(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The product of the elements up to each along `dim`; integers as int64."""
    x, axis = _prepared("cumprod", x, dim, dtype)
    return x.clone() if x.ndim == 0 else CumProd.apply(x, axis)


def logcumsumexp(x: Tensor, dim: int) -> Tensor:
    """log of the sum of e^x up to each element along `dim`."""
    fitting("logcumsumexp", "f", x)
    axis = normalize_dim("logcumsumexp", dim, x.ndim)
    return x.clone() if x.ndim == 0 else LogCumSumExp.apply(x, axis, False)


def cummax(x: Tensor, dim: int) -> Found:
    """The largest up to each element along `dim`, and where (the last of equals)."""
    return _cumulative_extreme("cummax", np.maximum, np.greater_equal, x, dim)


def cummin(x: Tensor, dim: int) -> Found:
    """The smallest up to each element along `dim`, and where (the last of equals)."""
    return _cumulative_extreme("cummin", np.minimum, np.less_equal, x, dim)


def diff(
    x: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """Each element less the one before it along `dim`, `n` times over."""
    from .joining import cat

    if x.ndim == 0:
        raise RuntimeError("diff wants a tensor of at least one axis")
    if n < 0:
        raise RuntimeError(f"diff: n={n} is negative")
    axis = normalize_dim("diff", dim, x.ndim)
    if n == 0:
        return x.clone()
    parts = [part for part in (prepend, x, append) if part is not None]
    x = cat(parts, axis) if len(parts) > 1 else x
    for _ in range(min(n, x.shape[axis])):
        after, before = _between(x, axis)
        x = after ^ before if x.dtype.kind == "b" else after - before
    return x


def trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1
) -> Tensor:
    """The area below `y` over points `x` (or `dx` apart) along `dim`."""
    return sum(_trapezoids(y, x, dx, dim), dim)


def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1
) -> Tensor:
    """The area below `y` up to each point but the first."""
    return cumsum(_trapezoids(y, x, dx, dim), dim)


def trace(x: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    if x.ndim != 2:
        raise RuntimeError(f"trace wants a matrix, not shape {x.shape}")
    return sum(x.diagonal(0, 0, 1))


def _running(formula: Any, array: Any, axis: int, reverse: bool) -> Any:
    if not reverse:
        return running(formula, array, axis)
    out = np.empty_like(array)
    if isinstance(array, np.ndarray):
        formula.accumulate(np.flip(array, axis), axis, out=np.flip(out, axis))
    else:
        out[...] = np.flip(running(formula, np.flip(array, axis), axis), axis)
    return out


def _prepared(name: str, x: Tensor, dim: int, dtype: Any) -> tuple[Tensor, int]:
    x = x.to(sum_dtype(x.dtype) if dtype is None else check_dtype(dtype))
    return x, normalize_dim(name, dim, x.ndim)


def _cumulative_extreme(name: str, best: Any, beats: Any, x: Tensor, dim: int) -> Found:
    axis = normalize_dim(name, dim, x.ndim)
    if x.ndim == 0:
        return Found(x.clone(), constant(np.zeros_like(x.data, dtype=np.int64)))
    array = x.data
    new = beats(array, running(best, array, axis)) | (array != array)
    steps = (
        array_module(array)
        .arange(x.shape[axis])
        .reshape((-1,) + (1,) * (x.ndim - 1 - axis))
    )
    at = running(np.maximum, np.where(new, steps, 0), axis)
    return Found(read_at(x, along(axis, at, x.ndim)), constant(at))


def _between(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """All but the first, and all but the last along an axis."""
    n = x.shape[axis]
    return x.narrow(axis, min(1, n), max(n - 1, 0)), x.narrow(axis, 0, max(n - 1, 0))


def _trapezoids(y: Tensor, x: Tensor | None, dx: float, dim: int) -> Tensor:
    if x is not None and dx != 1:
        raise TypeError("trapezoid: give the points x or their distance dx, not both")
    axis = normalize_dim("trapezoid", dim, y.ndim)
    after, before = _between(y, axis)
    if x is None:
        return (after + before) * (dx / 2)
    if x.ndim == 1 and y.ndim > 1:
        x = x.reshape((-1,) + (1,) * (y.ndim - 1 - axis))
        later, earlier = _between(x, 0)
    else:
        later, earlier = _between(x, normalize_dim("trapezoid", dim, x.ndim))
    return (later - earlier) * (after + before) / 2


trapz = trapezoid
