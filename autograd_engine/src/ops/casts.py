"""The same values in another dtype, on another device, under another name."""

from typing import Any

import numpy as np

from ..engine.backend import to_device
from ..engine.dtypes import (
    bool_,
    check_dtype,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..engine.views import as_view
from .rules import quiet


class Cast(Function):
    """Another dtype; the engine casts the gradient back."""

    @staticmethod
    @quiet
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


class Move(Function):
    """The same values on another device; the gradient goes back to where they were."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, device: str) -> Any:
        ctx.device = x.device
        return to_device(x.data, device)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return to(grad, ctx.device), None


def to(
    x: Tensor, target: Any = None, dtype: Any = None, *, device: str | None = None
) -> Tensor:
    """`x` in another dtype, on another device, or as another tensor is.

    `x` itself where nothing changes.
    """
    if x.data.dtype is target:
        return x
    if isinstance(target, Tensor):
        target, dtype = target.device, target.dtype
    if isinstance(target, str) and target.partition(":")[0] in ("cpu", "cuda"):
        device, target = target, None
    wanted = target if dtype is None else dtype
    if wanted is not None:
        wanted = check_dtype(wanted)
        x = x if x.data.dtype == wanted else Cast.apply(x, wanted)
    device = "cuda:0" if device == "cuda" else device
    return x if device is None or device == x.device else Move.apply(x, device)


def cpu(x: Tensor) -> Tensor:
    """In main memory, as a numpy array."""
    return to(x, "cpu")


def cuda(x: Tensor) -> Tensor:
    """On the first GPU, as a CuPy array."""
    return to(x, "cuda:0")


def type_as(x: Tensor, other: Tensor) -> Tensor:
    """In the dtype of `other`."""
    return to(x, other.dtype)


def double(x: Tensor) -> Tensor:
    """As float64."""
    return to(x, float64)


def float(x: Tensor) -> Tensor:
    """As float32."""
    return to(x, float32)


def half(x: Tensor) -> Tensor:
    """As float16."""
    return to(x, float16)


def long(x: Tensor) -> Tensor:
    """As int64, cut toward 0."""
    return to(x, int64)


def int(x: Tensor) -> Tensor:
    """As int32, cut toward 0."""
    return to(x, int32)


def short(x: Tensor) -> Tensor:
    """As int16, cut toward 0."""
    return to(x, int16)


def char(x: Tensor) -> Tensor:
    """As int8, cut toward 0."""
    return to(x, int8)


def byte(x: Tensor) -> Tensor:
    """As uint8, cut toward 0."""
    return to(x, uint8)


def bool(x: Tensor) -> Tensor:
    """Whether each element is not 0."""
    return to(x, bool_)


def clone(x: Tensor) -> Tensor:
    """A copy in memory of its own; the gradient passes through."""
    return Clone.apply(x)


def alias(x: Tensor) -> Tensor:
    """The same memory as a tensor of its own (torch.Tensor.view_as)."""
    return as_view(Alias.apply(x), x)
