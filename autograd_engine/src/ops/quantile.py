"""Quantiles along an axis, between the elements of the sorted line."""

from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import is_floating
from ..engine.tensor import Tensor, make
from .places import along, read_at
from .reductions import normalize_dim
from .shape import movedim, reshape
from .sorting import sort


def quantile(
    x: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The value below which the fraction `q` lies; NaN where there is one."""
    return _quantile("quantile", x, q, dim, keepdim, interpolation)


def nanquantile(
    x: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """As quantile, of the elements that are not NaN."""
    return _quantile("nanquantile", x, q, dim, keepdim, interpolation)


def _quantile(name: str, x: Tensor, q: Any, dim, keepdim: bool, how: str) -> Tensor:
    q = q if isinstance(q, Tensor) else Tensor(q, dtype=x.dtype).to(x.device)
    dim = None if dim is None else normalize_dim(name, dim, x.ndim)
    lines = reshape(x, -1) if dim is None or x.ndim == 0 else movedim(x, dim, -1)
    _check(name, x, q, lines.shape[-1], how)
    xp = array_module(x.data)
    bad = xp.isnan(lines.data).sum(-1, keepdims=True)
    last = lines.shape[-1] - 1
    if name == "quantile":  # NaN is the largest: the last element tells
        steps, first = xp.where(bad > 0, 0, last), xp.where(bad > 0, last, 0)
    else:
        steps, first = xp.maximum(last - bad, 0), 0
    steps, first = steps.astype(x.dtype), xp.asarray(first, x.dtype)
    rank = reshape(q, -1) * make(steps, False, None) + make(first, False, None)
    out = movedim(_between(sort(lines).values, rank, how), -1, 0)
    if keepdim:
        sizes = list(x.shape)
        for axis in range(x.ndim) if dim is None else [dim][: x.ndim]:
            sizes[axis] = 1
        out = reshape(out, out.shape[0], *sizes)
    return out if q.ndim else reshape(out, out.shape[1:])


def _between(values: Tensor, rank: Tensor, how: str) -> Tensor:
    """The values at ranks that need not be whole numbers."""
    xp, ranks = array_module(values.data), rank.data
    if how == "nearest":
        ranks = xp.round(ranks)
    low, high = xp.floor(ranks), xp.ceil(ranks)
    axis = values.ndim - 1

    def at(ranks: Any) -> Tensor:
        lines = (*values.shape[:-1], ranks.shape[-1])
        index = xp.broadcast_to(ranks, lines).astype(np.int64)
        return read_at(values, along(axis, index, values.ndim))

    if how in ("lower", "nearest"):
        return at(low)
    if how == "higher":
        return at(high)
    below = at(low)
    weight = make((high > low) * values.dtype.type(0.5), False, None)
    if how == "linear":
        weight = rank - make(low, False, None)
    return below + (at(high) - below) * weight


def _check(name: str, x: Tensor, q: Tensor, size: int, how: str) -> None:
    if not is_floating(x.dtype):
        raise RuntimeError(f"{name}: floating-point values are wanted, not {x.dtype}")
    if how not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(f"{name}: no interpolation {how!r}")
    if q.dtype != x.dtype:
        raise RuntimeError(f"{name}: q of {q.dtype} for a tensor of {x.dtype}")
    if q.ndim > 1 or ((q.data < 0) | (q.data > 1)).any():
        raise RuntimeError(f"{name}: q is a number or a vector from 0 to 1")
    if size == 0:
        raise RuntimeError(f"{name}: no elements along the axis (shape {x.shape})")
