"""Sums, means and products, over one axis, several, or all."""

import math
from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import check_dtype, is_floating
from ..engine.function import Function
from ..engine.grad_mode import is_grad_enabled
from ..engine.tensor import Tensor, make
from .aliases import numpy_names
from .rules import quiet


Dim = int | tuple[int, ...] | None


class Sum(Function):
    """The gradient is spread over what was added."""

    @staticmethod
    @quiet
    def forward(ctx: Function, x: Tensor, axes: tuple[int, ...], keepdim: bool):
        ctx.shape, ctx.axes = x.shape, axes
        return _total(x.data, axes, keepdim).astype(sum_dtype(x.data.dtype), copy=False)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return spread(grad, ctx.shape, ctx.axes), None, None


class Mean(Function):
    """The gradient is spread over the n elements, an n-th to each."""

    @staticmethod
    @quiet
    def forward(ctx: Function, x: Tensor, axes: tuple[int, ...], keepdim: bool):
        ctx.shape, ctx.axes, ctx.count = x.shape, axes, count(x.shape, axes)
        total = _total(x.data, axes, keepdim)
        return (total / _divisor(ctx.count)).astype(x.dtype, copy=False)

    @staticmethod
    @quiet
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return spread(grad / _divisor(ctx.count), ctx.shape, ctx.axes), None, None


class Prod(Function):
    """The product over one axis; zeros are no special case for the gradient."""

    @staticmethod
    @quiet
    def forward(ctx: Function, x: Tensor, axis: int, keepdim: bool):
        ctx.axis = axis
        ctx.save_for_backward(x)
        return np.multiply.reduce(x.data, axis, keepdims=keepdim)

    @staticmethod
    @quiet
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        grad = grad.reshape(kept_shape(x.shape, (ctx.axis,)))
        if is_grad_enabled():
            return grad * _products_of_others(x, ctx.axis), None, None
        array, axis = np.moveaxis(x.data, ctx.axis, -1), ctx.axis
        before = np.ones_like(array)
        np.cumprod(array[..., :-1], -1, out=before[..., 1:])
        after = np.ones_like(array)
        after[..., :-1] = np.cumprod(array[..., :0:-1], -1)[..., ::-1]
        return grad.data * np.moveaxis(before * after, -1, axis), None, None


@numpy_names
def sum(
    x: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The sum over `dim` (all axes by default); integers and bools sum to int64."""
    x = x if dtype is None else x.to(dtype)
    out = Sum.apply(x, normalize_dims("sum", dim, x.ndim), keepdim)
    return out if dtype is None else out.to(dtype)


@numpy_names
def mean(
    x: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The mean over `dim` (all axes by default)."""
    x = x if dtype is None else x.to(dtype)
    want_floats("mean", x)
    return Mean.apply(x, normalize_dims("mean", dim, x.ndim), keepdim)


@numpy_names
def prod(
    x: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The product over one axis, or of all elements; integers and bools as int64."""
    x = x.to(check_dtype(dtype) if dtype is not None else sum_dtype(x.dtype))
    if dim is None:
        return Prod.apply(x.reshape(-1), 0, False)
    axis = normalize_dim("prod", dim, x.ndim)
    return x.clone() if x.ndim == 0 else Prod.apply(x, axis, keepdim)


@numpy_names
def nansum(
    x: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The sum over `dim` of what is not NaN."""
    x = x if dtype is None else x.to(dtype)
    return sum(_without_nan(x), dim, keepdim)


@numpy_names
def nanmean(
    x: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The mean over `dim` of what is not NaN."""
    x = x if dtype is None else x.to(dtype)
    want_floats("nanmean", x)
    present = make(~np.isnan(x.data), False, None)
    return sum(_without_nan(x), dim, keepdim) / sum(present, dim, keepdim)


@numpy_names
def count_nonzero(x: Tensor, dim: Dim = None) -> Tensor:
    """How many elements over `dim` are not 0."""
    return sum(make(x.data != 0, False, None), dim)


def sum_to_size(x: Tensor, *size: int) -> Tensor:
    """The sum over the axes that broadcasting `size` to the shape of `x` repeats."""
    size = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    extra = x.ndim - len(size)
    fits = extra >= 0 and all(
        a in (1, b) for a, b in zip(size, x.shape[max(extra, 0) :], strict=True)
    )
    if not fits:
        raise RuntimeError(f"sum_to_size: {size} does not broadcast to {x.shape}")
    axes = [i for i, n in enumerate((0,) * extra + size) if n != x.shape[i]]
    axes = tuple(i for i in axes if i < extra or x.shape[i] != 1)
    return sum(x, axes, True).reshape(size) if axes else x


def spread(grad: Tensor, shape: tuple[int, ...], axes: tuple[int, ...]) -> Tensor:
    """A gradient of the reduced shape, repeated over the reduced axes of `shape`."""
    kept = kept_shape(shape, axes)
    if is_grad_enabled():
        return grad.reshape(kept).expand(shape)
    xp = array_module(grad.data)
    return make(xp.broadcast_to(grad.data.reshape(kept), shape), False, None)


def want_floats(name: str, x: Tensor) -> None:
    """RuntimeError for integers, whose mean or variance is no integer."""
    if not is_floating(x.dtype):
        raise RuntimeError(
            f"{name} wants a floating-point tensor, not {x.dtype}; "
            f"convert it with .float(), or pass dtype="
        )


def normalize_dims(name: str, dim: Dim, ndim: int) -> tuple[int, ...]:
    """`dim` as a tuple of axes from 0; all axes for None and for an empty tuple."""
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(ndim))
    dims = tuple(
        normalize_dim(name, d, ndim)
        for d in (dim if isinstance(dim, (tuple, list)) else (dim,))
    )
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"{name}: dim {dim} names one axis twice")
    return dims if ndim else ()


def normalize_dim(name: str, dim: int, ndim: int) -> int:
    """`dim` counted from 0; IndexError with the allowed range."""
    bound = max(ndim, 1)
    if not -bound <= dim < bound:
        raise IndexError(
            f"{name}: dim {dim} of a tensor with {ndim} axes; "
            f"allowed are {-bound} to {bound - 1}"
        )
    return dim % bound


def kept_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """`shape` with 1 in place of the reduced axes."""
    return tuple(1 if i in axes else size for i, size in enumerate(shape))


def count(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """How many elements of `shape` go into one result."""
    return math.prod(shape[axis] for axis in axes)


def sum_dtype(dtype: np.dtype) -> np.dtype:
    """int64 for booleans and integers, which would overflow."""
    return dtype if is_floating(dtype) else np.dtype(np.int64)


def _total(array: Any, axes: tuple[int, ...], keepdim: bool) -> Any:
    """The sum; float16 is added up in float32, integers in int64."""
    dtype = array.dtype
    wide = np.float32 if dtype.itemsize == 2 and dtype.kind == "f" else sum_dtype(dtype)
    return np.add.reduce(array, axes, wide, keepdims=keepdim)


def _divisor(n: int) -> float:
    """The mean of nothing is NaN."""
    return float(n) if n else math.nan


def _without_nan(x: Tensor) -> Tensor:
    from .choices import where

    return (
        where(make(np.isnan(x.data), False, None), 0, x) if x.dtype.kind == "f" else x
    )


def _products_of_others(x: Tensor, axis: int) -> Tensor:
    """For each element the product of the others: n rows with a 1 on the diagonal."""
    from .choices import where

    n = x.shape[axis]
    rows = x.movedim(axis, -1).unsqueeze(-2)
    diagonal = make(array_module(x.data).eye(n, dtype=bool), False, None)
    return prod(where(diagonal, 1, rows), -1).movedim(-1, axis)
