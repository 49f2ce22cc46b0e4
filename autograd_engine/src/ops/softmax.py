"""Softmax and its relatives over one axis, each one operation.

A row of -inf has no largest element to compare with: its softmax is NaN, as in PyTorch.
"""

from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import get_default_dtype, is_floating
from ..engine.function import Function
from ..engine.random import generator
from ..engine.tensor import Tensor
from .fused import constant, want_floating
from .reductions import normalize_dim


TAME = {2: 4.0, 4: 60.0, 8: 400.0}  # bytes of a float: |x| up to which e^x is safe


class Softmax(Function):
    """e^x / sum e^x; backward: p (g - sum g p)."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, axis: int):
        ctx.axis = axis
        xp = array_module(x.data)
        out = xp.exp(x.data if is_tame(x.data) else shifted(x.data, axis))
        out /= sums(out, axis)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (out,) = ctx.saved_tensors
        gx = grad.data * out.data
        gx -= out.data * sums(gx, ctx.axis)
        return gx, None

    @staticmethod
    def plain(x: Tensor, axis: int) -> Tensor:
        powers = (x - constant(highest(x.data, axis))).exp()
        return powers / powers.sum(axis, keepdim=True)


class LogSoftmax(Function):
    """x - log sum e^x; backward: g - p sum g."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, axis: int):
        ctx.axis = axis
        out = shifted(x.data, axis)
        xp = array_module(out)
        out -= xp.log(sums(xp.exp(out), axis))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (out,) = ctx.saved_tensors
        gx = array_module(out.data).exp(out.data)
        gx *= -sums(grad.data, ctx.axis)
        gx += grad.data
        return gx, None

    @staticmethod
    def plain(x: Tensor, axis: int) -> Tensor:
        low = x - constant(highest(x.data, axis))
        return low - low.exp().sum(axis, keepdim=True).log()


def highest(array: Any, axis: int) -> Any:
    """The largest along `axis`, kept as an axis; 0 where there is nothing."""
    if array.size:
        return array.max(axis, keepdims=True)
    return array.sum(axis, keepdims=True)


def shifted(array: Any, axis: int) -> Any:
    """`array` minus its largest along `axis`, so that no exponential overflows."""
    with np.errstate(invalid="ignore"):
        return array - highest(array, axis)


def is_tame(array: Any) -> bool:
    """Whether sums of e^x neither overflow nor vanish as they are.

    Two reductions to a number are much faster than one along rows and a subtraction.
    """
    bound = TAME[array.dtype.itemsize]
    return array.size > 0 and array.max() < bound and array.min() > -bound


def sums(array: Any, axis: int) -> Any:
    """Sums along `axis`, kept as an axis: a matrix-vector product along the last."""
    if axis % array.ndim != array.ndim - 1:
        return array.sum(axis, keepdims=True)
    xp = array_module(array)
    return xp.matmul(array, xp.ones((array.shape[-1], 1), array.dtype))


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """e^x / sum of e^x along `dim`."""
    return _along("softmax", Softmax, input, dim, dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The logarithm of softmax, without taking the logarithm of 0."""
    return _along("log_softmax", LogSoftmax, input, dim, dtype)


def softmin(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """softmax of -x."""
    return _along("softmin", Softmax, -input, dim, dtype)


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, *, dim: int = -1
) -> Tensor:
    """A sample of the categorical distribution, relaxed (Jang et al. 2016).

    With `hard` one-hot in value, while gradients are those of the soft sample.
    """
    want_floating("gumbel_softmax", logits)
    noise = generator().gumbel(size=logits.shape).astype(logits.dtype)
    xp = array_module(logits.data)
    soft = softmax((logits + constant(xp.asarray(noise))) / tau, dim)
    if not hard:
        return soft
    one = xp.zeros_like(soft.data)
    place = xp.expand_dims(soft.data.argmax(dim), dim)
    xp.put_along_axis(one, place, 1, dim)
    return soft + constant(one - soft.data)


def _along(name: str, operation: Any, x: Tensor, dim: int, dtype: Any) -> Tensor:
    if dtype is not None:
        x = x.to(dtype)
    if not is_floating(x.data.dtype):
        raise RuntimeError(
            f"{name}: not for {x.dtype}; pass dtype={get_default_dtype()} or .float()"
        )
    axis = normalize_dim(name, dim, x.ndim)
    if x.ndim == 0:
        return operation.apply(x.reshape(1), 0).reshape(())
    return operation.apply(x, axis)
