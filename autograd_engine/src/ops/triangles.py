"""The lower and the upper triangle of matrices."""

from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import int64
from ..engine.function import Function
from ..engine.tensor import Tensor
from .inplace import in_place


class Triangle(Function):
    """Zeros beyond a diagonal: the gradient is masked alike."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, diagonal: int, lower: bool) -> Any:
        ctx.how = (diagonal, lower)
        xp = array_module(x.data)
        return (xp.tril if lower else xp.triu)(x.data, diagonal)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Triangle.apply(grad, *ctx.how), None, None


def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """0 above the diagonal; `diagonal` > 0 keeps more."""
    return Triangle.apply(_matrices("tril", x), diagonal, True)


def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """0 below the diagonal; `diagonal` > 0 keeps less."""
    return Triangle.apply(_matrices("triu", x), diagonal, False)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: np.dtype = int64
) -> Tensor:
    """Rows and columns of the lower triangle, as a matrix of two rows."""
    return Tensor(np.stack(np.tril_indices(row, offset, col)), dtype=dtype)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: np.dtype = int64
) -> Tensor:
    """Rows and columns of the upper triangle, as a matrix of two rows."""
    return Tensor(np.stack(np.triu_indices(row, offset, col)), dtype=dtype)


tril_ = in_place(tril)
triu_ = in_place(triu)


def _matrices(name: str, x: Tensor) -> Tensor:
    if x.ndim < 2:
        raise RuntimeError(f"{name}: at least 2 axes, not shape {x.shape}")
    return x
