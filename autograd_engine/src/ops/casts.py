"""The same values in another dtype, on another device, under another name."""

from typing import Any

import numpy as np

from ..engine.dtypes import check_dtype
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..engine.views import as_view


class Cast(Function):
    """Another dtype; the engine casts the gradient back."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, dtype: np.dtype) -> np.ndarray:
        return x.data.astype(dtype)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return grad, None


class Alias(Function):
    """The identity, as a node of its own."""

    @staticmethod
    def forward(ctx: Function, x: Tensor) -> np.ndarray:
        return x.data

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> Tensor:
        return grad


class Clone(Function):
    """A copy of the memory."""

    @staticmethod
    def forward(ctx: Function, x: Tensor) -> np.ndarray:
        return x.data.copy()

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> Tensor:
        return grad


def to(x: Tensor, dtype: Any) -> Tensor:
    """`x` in `dtype`; `x` itself where nothing changes."""
    if x.data.dtype is dtype:
        return x
    dtype = check_dtype(dtype)
    return x if x.data.dtype == dtype else Cast.apply(x, dtype)


def clone(x: Tensor) -> Tensor:
    return Clone.apply(x)


def alias(x: Tensor) -> Tensor:
    """The same memory as a tensor of its own (torch.Tensor.view_as)."""
    return as_view(Alias.apply(x), x)
