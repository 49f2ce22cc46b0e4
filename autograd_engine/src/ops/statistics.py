"""Variances, norms and covariances."""

import math
from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.grad_mode import is_grad_enabled
from ..engine.tensor import Tensor, make
from .aliases import numpy_names
from .choices import where
from .elementwise import abs
from .extrema import amax, amin
from .power import pow, root, square
from .reductions import (
    Dim,
    count,
    kept_shape,
    mean,
    normalize_dims,
    sum,
    want_floats,
)
from .rounding import sign
from .rules import quiet, whole


class Var(Function):
    """sum (x - mean)^2 / (n - c); backward: 2 g (x - mean) / (n - c)."""

    @staticmethod
    @quiet
    def forward(
        ctx: Function,
        x: Tensor,
        axes: tuple[int, ...],
        correction: float,
        keepdim: bool,
    ):
        n = count(x.shape, axes)
        ctx.axes, ctx.divisor = axes, max(n - correction, 0.0)
        ctx.mean = np.add.reduce(x.data, axes, keepdims=True) / _float(n)
        ctx.save_for_backward(x)
        centered = whole(x.data - ctx.mean)
        np.square(centered, out=centered)
        total = np.add.reduce(centered, axes, keepdims=keepdim)
        return (total / np.float64(ctx.divisor)).astype(x.dtype, copy=False)

    @staticmethod
    @quiet
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        grad = grad.reshape(kept_shape(x.shape, ctx.axes))
        factor = 2 / ctx.divisor if ctx.divisor else math.inf
        if is_grad_enabled():
            return grad * (x - mean(x, ctx.axes, True)) * factor, None, None, None
        out = whole(x.data - ctx.mean)
        out *= grad.data * factor
        return out, None, None, None


class PowerNorm(Function):
    """(sum |x|^p)^(1/p); backward: g sign(x) (|x| / norm)^(p-1), 0 where x is 0."""

    @staticmethod
    @quiet
    def forward(ctx: Function, x: Tensor, p: float, axes: tuple, keepdim: bool):
        ctx.p, ctx.axes = p, axes
        total = np.add.reduce(np.abs(x.data) ** p, axes, keepdims=keepdim)
        out = whole(total ** (1 / p))
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    @quiet
    def backward(ctx: Function, grad: Tensor) -> tuple:
        x, out = ctx.saved_tensors
        kept = kept_shape(x.shape, ctx.axes)
        out = out.reshape(kept)
        flat = make((x.data == 0) | (out.data == 0), False, None)
        ratio = where(flat, 1, abs(x)) / where(flat, 1, out)
        slope = where(flat, 0, sign(x) * pow(ratio, ctx.p - 1))
        return grad.reshape(kept) * slope, None, None, None


@numpy_names
def var(
    x: Tensor,
    dim: Dim | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The variance over `dim`: squares are divided by n - `correction` (1 by default).

    `unbiased` is the older word: True for a correction of 1, False for 0.
    """
    dim, correction = _corrected("var", dim, unbiased, correction)
    want_floats("var", x)
    return Var.apply(x, normalize_dims("var", dim, x.ndim), correction, keepdim)


@numpy_names
def std(
    x: Tensor,
    dim: Dim | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The root of `var`, with gradient 0 where it is 0."""
    return root(var(x, dim, unbiased, keepdim, correction=correction))


def var_mean(
    x: Tensor,
    dim: Dim | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean over `dim`."""
    out = var(x, dim, unbiased, keepdim, correction=correction)
    return out, mean(x, None if isinstance(dim, bool) else dim, keepdim)


def std_mean(
    x: Tensor,
    dim: Dim | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean over `dim`."""
    out, middle = var_mean(x, dim, unbiased, keepdim, correction=correction)
    return root(out), middle


def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """(sum |x|^ord)^(1/ord) over `dim`; inf: the largest |x|, 0: how many are not 0.

    The gradient at 0 is 0, a subgradient.
    """
    x = x if dtype is None else x.to(dtype)
    want_floats("vector_norm", x)
    axes = normalize_dims("vector_norm", dim, x.ndim)
    ord = float(ord)
    if ord == 0:
        return sum(where(make(x.data != 0, False, None), 1.0, x * 0), axes, keepdim)
    if ord == 1:
        return sum(abs(x), axes, keepdim)
    if ord == 2:
        return root(sum(square(x), axes, keepdim))
    if math.isinf(ord):
        return (amax if ord > 0 else amin)(abs(x), axes, keepdim)
    return PowerNorm.apply(x, ord, axes, keepdim)


def norm(
    x: Tensor,
    p: float | str | None = "fro",
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """The norm of all elements, or over `dim`; "fro" is the root of their squares."""
    if isinstance(p, str) and p != "fro":
        raise NotImplementedError(f"norm: p is a number or 'fro', not {p!r}")
    order = 2 if p is None or p == "fro" else p
    return vector_norm(x, order, dim, keepdim, dtype=dtype)


def dist(x: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The norm of x - other."""
    return vector_norm(x - other, p)


def cov(
    x: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """Covariances of the rows of `x`; columns are observations, repeated `fweights`
    times and weighted by `aweights`."""
    if x.ndim > 2:
        raise RuntimeError(f"cov wants at most 2 axes, not shape {x.shape}")
    rows = x.reshape(1, -1) if x.ndim < 2 else x
    rows = rows if rows.dtype.kind == "f" else rows.float()
    n = rows.shape[1]
    weights = fweights
    if fweights is None:
        weights = Tensor(array_module(rows.data).ones(n, rows.dtype))
    if aweights is not None:
        weights = aweights if fweights is None else fweights * aweights
    total = sum(weights)
    middle = sum(rows * weights, 1, True) / total
    if aweights is None:
        divisor = total - correction
    else:
        divisor = total - correction * sum(weights * aweights) / total
    centered = rows - middle
    divisor = where(make(divisor.data < 0, False, None), 0, divisor)
    out = (centered * weights) @ centered.t() / divisor
    return out.squeeze()


def corrcoef(x: Tensor) -> Tensor:
    """Correlations of the rows of `x`, held within [-1, 1]."""
    c = cov(x)
    if c.ndim == 0:
        return c / c
    deviations = pow(c.diagonal(), 0.5)
    return (c / deviations.unsqueeze(1) / deviations.unsqueeze(0)).clamp(-1, 1)


def _corrected(name: str, dim: Any, unbiased: Any, correction: Any) -> tuple:
    """`var(x, False)` and `var(x, dim, False)` state `unbiased` by position."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{name}: give `unbiased` or `correction`, not both")
    if unbiased is not None:
        return dim, float(bool(unbiased))
    return dim, 1.0 if correction is None else float(correction)


def _float(n: int) -> float:
    return float(n) if n else math.nan
