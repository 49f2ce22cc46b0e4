"""Order: sort, topk, kthvalue, median ... Gradients flow to the chosen elements.

NaN counts as the largest number, as in numpy and PyTorch.
"""

from typing import Any, NamedTuple

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import is_floating
from ..engine.function import Function
from ..engine.tensor import Tensor, make
from .places import along, read_at
from .reductions import kept_shape, normalize_dim
from .shape import reshape, squeeze


class Sorted(NamedTuple):
    """Values, and where they stood along the axis."""

    values: Tensor
    indices: Tensor


class Median(Function):
    """The median of all elements; equal ones share the gradient."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, value: Any) -> Any:
        same = (x.data == value) | ((x.data != x.data) & (value != value))
        ctx.share = make(same / same.sum(), False, None).to(x.dtype)
        return array_module(x.data).asarray(value, x.dtype)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return grad * ctx.share, None


def sort(
    x: Tensor, dim: int = -1, descending: bool = False, stable: bool = False
) -> Sorted:
    """The values along `dim` in order; equal ones keep theirs (always stable)."""
    dim = normalize_dim("sort", dim, x.ndim)
    return _chosen(x, dim, _order(x, dim, descending))


def argsort(
    x: Tensor, dim: int = -1, descending: bool = False, stable: bool = False
) -> Tensor:
    """The indices that sort `dim`."""
    order = _order(x, normalize_dim("argsort", dim, x.ndim), descending)
    return make(order, False, None)


def msort(x: Tensor) -> Tensor:
    """The values sorted along axis 0."""
    return sort(x, 0).values


def topk(
    x: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> Sorted:
    """The `k` largest (or smallest) values along `dim`, in order."""
    dim = normalize_dim("topk", dim, x.ndim)
    size = x.shape[dim] if x.ndim else 1
    if not 0 <= k <= size:
        raise RuntimeError(f"topk: k {k} of {size} elements along axis {dim}")
    if x.ndim == 0:
        return _chosen(x, dim, _order(x, dim, largest))
    first = (slice(None),) * dim + (slice(k),)
    if not 0 < 8 * k < size:
        return _chosen(x, dim, _order(x, dim, largest)[first])
    xp = array_module(x.data)
    kth = size - k if largest else k - 1
    part = slice(size - k, size) if largest else slice(k)
    found = xp.argpartition(x.data, kth, dim)[(slice(None),) * dim + (part,)]
    few = make(xp.take_along_axis(x.data, found, dim), False, None)
    order = _order(few, dim, largest)
    return _chosen(x, dim, xp.take_along_axis(found, order, dim))


def kthvalue(x: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Sorted:
    """The k-th smallest value along `dim`, counted from 1."""
    dim = normalize_dim("kthvalue", dim, x.ndim)
    size = x.shape[dim] if x.ndim else 1
    if not 1 <= k <= size:
        raise RuntimeError(f"kthvalue: k {k} of {size} elements along axis {dim}")
    return _at(x, dim, k - 1, keepdim)


def median(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle value, the lower of two; NaN where there is one; `dim`: and where."""
    return _median("median", x, dim, keepdim, skip_nan=False)


def nanmedian(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """As median, of the elements that are not NaN."""
    return _median("nanmedian", x, dim, keepdim, skip_nan=True)


def mode(x: Tensor, dim: int = -1, keepdim: bool = False) -> Sorted:
    """The most frequent value along `dim`, of several the smallest; its last index."""
    dim = normalize_dim("mode", dim, x.ndim)
    if x.ndim == 0:
        return Sorted(x.clone(), _zero_index(x))
    _not_empty("mode", x, dim)
    values, order = sort(x, dim)
    xp = array_module(x.data)
    rows = xp.moveaxis(values.data, dim, -1)
    same = rows[..., 1:] == rows[..., :-1]
    run = xp.zeros(rows.shape, np.int64)
    for i in range(1, rows.shape[-1]):
        run[..., i] = (run[..., i - 1] + 1) * same[..., i - 1]
    last = xp.expand_dims(run.argmax(-1), dim)
    return _kept(x, dim, xp.take_along_axis(order.data, last, dim), keepdim)


def _order(x: Tensor, dim: int, descending: bool) -> Any:
    """The indices that sort `dim`, equal elements in their old order."""
    xp, array = array_module(x.data), x.data
    if array.ndim == 0:
        return xp.zeros((), np.int64)
    if not descending:
        return xp.argsort(array, axis=dim, kind="stable")
    backwards = xp.argsort(xp.flip(array, dim), axis=dim, kind="stable")
    return array.shape[dim] - 1 - xp.flip(backwards, dim)


def _chosen(x: Tensor, dim: int, indices: Any) -> Sorted:
    """The elements at `indices`, which name none twice."""
    if x.ndim == 0:
        return Sorted(x.clone(), make(indices, False, None))
    values = read_at(x, along(dim, indices, x.ndim), unique=True)
    return Sorted(values, make(indices, False, None))


def _kept(x: Tensor, dim: int, indices: Any, keepdim: bool) -> Sorted:
    out = _chosen(x, dim, indices)
    return out if keepdim or x.ndim == 0 else Sorted(*(squeeze(o, dim) for o in out))


def _at(x: Tensor, dim: int, rank: Any, keepdim: bool) -> Sorted:
    """The element at one rank (or one for each line) of the order along `dim`."""
    order = _order(x, dim, descending=False)
    if x.ndim == 0:
        return _chosen(x, dim, order)
    xp = array_module(x.data)
    lines = kept_shape(x.shape, (dim,))
    rank = xp.broadcast_to(xp.asarray(rank), lines)
    return _kept(x, dim, xp.take_along_axis(order, rank, dim), keepdim)


def _median(name: str, x: Tensor, dim: int | None, keepdim: bool, skip_nan: bool):
    xp = array_module(x.data)
    if dim is None:
        if x.numel() == 0:
            return Tensor(xp.asarray(np.nan if is_floating(x.dtype) else 0, x.dtype))
        flat = x.detach()
        return Median.apply(
            x, _median(name, reshape(flat, -1), 0, False, skip_nan)[0].item()
        )
    dim = normalize_dim(name, dim, x.ndim)
    _not_empty(name, x, dim)
    if x.ndim == 0:
        return Sorted(x.clone(), _zero_index(x))
    bad = x.data != x.data
    count = x.shape[dim] - bad.sum(dim, keepdims=True)
    rank = xp.maximum(count - 1, 0) // 2
    if not skip_nan:
        first_nan = xp.where(count < x.shape[dim], count, (x.shape[dim] - 1) // 2)
        rank = first_nan
    return _at(x, dim, rank, keepdim)


def _not_empty(name: str, x: Tensor, dim: int) -> None:
    if x.ndim and x.shape[dim] == 0:
        raise IndexError(f"{name}: axis {dim} of shape {x.shape} has no element")


def _zero_index(x: Tensor) -> Tensor:
    return make(array_module(x.data).zeros((), np.int64), False, None)
