"""Sums and what is made of them, over one axis, several, or all."""

import numpy as np

from ..engine.dtypes import is_floating
from ..engine.function import Function
from ..engine.tensor import Tensor


Dim = int | tuple[int, ...] | None


class Sum(Function):
    @staticmethod
    def forward(ctx: Function, x: Tensor, axes: tuple[int, ...], keepdim: bool):
        ctx.shape, ctx.axes, ctx.keepdim = x.shape, axes, keepdim
        return x.data.sum(axes, keepdims=keepdim, dtype=sum_dtype(x.dtype))

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        if not ctx.keepdim:
            grad = grad.reshape(kept_shape(ctx.shape, ctx.axes))
        return grad.expand(ctx.shape), None, None


def sum(x: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype=None) -> Tensor:
    """The sum over `dim` (all axes by default); integers and bools sum to int64."""
    x = x if dtype is None else x.to(dtype)
    return Sum.apply(x, normalize_dims("sum", dim, x.ndim), keepdim)


def normalize_dims(name: str, dim: Dim, ndim: int) -> tuple[int, ...]:
    """`dim` as a tuple of axes from 0; all axes for None and for an empty tuple."""
    if dim is None or dim == ():
        return tuple(range(ndim))
    dims = tuple(
        normalize_dim(name, d, ndim)
        for d in (dim if isinstance(dim, (tuple, list)) else (dim,))
    )
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"{name}: dim {dim} names one axis twice")
    return dims


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


def sum_dtype(dtype: np.dtype) -> np.dtype:
    return dtype if is_floating(dtype) else np.dtype(np.int64)
