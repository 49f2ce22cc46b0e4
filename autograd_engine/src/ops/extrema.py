"""Largest and smallest elements, their places, and logsumexp."""

from typing import Any, NamedTuple

import numpy as np

from ..engine.function import Function
from ..engine.grad_mode import is_grad_enabled
from ..engine.tensor import Tensor, make
from . import choices
from .aliases import numpy_names
from .calculus import exp
from .fused import constant
from .places import along, read_at
from .reductions import (
    Dim,
    kept_shape,
    normalize_dim,
    normalize_dims,
)
from .rules import fitting, quiet, whole


class Found(NamedTuple):
    """Values, and where along the axis they stood."""

    values: Tensor
    indices: Tensor


class Range(NamedTuple):
    """The result of `aminmax`."""

    min: Tensor
    max: Tensor


class Extreme(Function):
    """The largest (or smallest) over some axes; equal ones share the gradient."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, axes: tuple, keepdim: bool, largest: bool):
        ctx.axes = axes
        reduce = x.data.max if largest else x.data.min
        out = whole(reduce(axes, keepdims=keepdim))
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    @quiet
    def backward(ctx: Function, grad: Tensor) -> tuple:
        x, out = ctx.saved_tensors
        kept = kept_shape(x.shape, ctx.axes)
        best = out.data.reshape(kept)
        chosen = (x.data == best) | (np.isnan(x.data) & np.isnan(best))
        share = chosen / chosen.sum(ctx.axes, keepdims=True)
        share = share.astype(x.dtype, copy=False)
        if is_grad_enabled():
            return grad.reshape(kept) * make(share, False, None), None, None, None
        return whole(grad.data.reshape(kept) * share), None, None, None


class LogSumExp(Function):
    """log sum e^x with the largest taken out; backward: g e^(x - out)."""

    @staticmethod
    @quiet
    def forward(ctx: Function, x: Tensor, axes: tuple[int, ...], keepdim: bool):
        ctx.axes = axes
        if x.data.size == 0:
            out = np.log(np.add.reduce(x.data, axes, keepdims=True))
        else:
            top = x.data.max(axes, keepdims=True)
            top = np.where(np.isfinite(top), top, 0)
            terms = whole(x.data - top)
            np.exp(terms, out=terms)
            out = np.log(np.add.reduce(terms, axes, keepdims=True)) + top
        out = whole(out)
        if not keepdim:
            out = out.reshape([n for i, n in enumerate(x.shape) if i not in axes])
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    @quiet
    def backward(ctx: Function, grad: Tensor) -> tuple:
        x, out = ctx.saved_tensors
        kept = kept_shape(x.shape, ctx.axes)
        grad, out = grad.reshape(kept), out.reshape(kept)
        # Where all are -inf each e^x is 0, and so is the gradient.
        out = choices.where(constant(out.data == -np.inf), 0, out)
        return grad * exp(x - out), None, None


@numpy_names
def amax(x: Tensor, dim: Dim = (), keepdim: bool = False) -> Tensor:
    """The largest over `dim`; equal ones share the gradient."""
    return _extreme("amax", x, dim, keepdim, True)


@numpy_names
def amin(x: Tensor, dim: Dim = (), keepdim: bool = False) -> Tensor:
    """The smallest over `dim`; equal ones share the gradient."""
    return _extreme("amin", x, dim, keepdim, False)


def aminmax(x: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Range:
    """The smallest and the largest over `dim` (min, max)."""
    return Range(amin(x, dim, keepdim), amax(x, dim, keepdim))


@numpy_names
def max(x: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Any:
    """The largest of all; over `dim` (values, indices); of two tensors, `maximum`.

    Of all, equal ones share the gradient; over `dim` the one at the index has it.
    """
    if isinstance(dim, Tensor):
        return choices.maximum(x, dim)
    return amax(x) if dim is None else _found("max", argmax, x, dim, keepdim)


@numpy_names
def min(x: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Any:
    """The smallest of all; over `dim` (values, indices); of two tensors, `minimum`."""
    if isinstance(dim, Tensor):
        return choices.minimum(x, dim)
    return amin(x) if dim is None else _found("min", argmin, x, dim, keepdim)


@numpy_names
def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest is along `dim`, or in `x` flattened; the first of equals."""
    return _place("argmax", np.argmax, x, dim, keepdim)


@numpy_names
def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest is along `dim`, or in all of `x` flattened."""
    return _place("argmin", np.argmin, x, dim, keepdim)


@numpy_names
def logsumexp(x: Tensor, dim: Dim, keepdim: bool = False) -> Tensor:
    """log of the sum of e^x over `dim`, without overflow."""
    (x,) = fitting("logsumexp", "f" if x.dtype.kind == "f" else None, x)
    return LogSumExp.apply(x, normalize_dims("logsumexp", dim, x.ndim), keepdim)


def _extreme(name: str, x: Tensor, dim: Dim, keepdim: bool, largest: bool) -> Tensor:
    axes = normalize_dims(name, dim, x.ndim)
    _want_elements(name, x, axes)
    return Extreme.apply(x, axes, keepdim, largest)


def _found(name: str, argument: Any, x: Tensor, dim: int, keepdim: bool) -> Found:
    if x.ndim == 0:
        normalize_dim(name, dim, 0)
        return Found(x.clone(), constant(np.zeros_like(x.data, dtype=np.int64)))
    axis = normalize_dim(name, dim, x.ndim)
    _want_elements(name, x, (axis,))
    at = (
        argument(x, axis, True)
        if x.dtype.kind != "b"
        else argument(x.int(), axis, True)
    )
    values = read_at(x, along(axis, at.data, x.ndim), unique=True)
    return (
        Found(values, at) if keepdim else Found(values.squeeze(axis), at.squeeze(axis))
    )


def _place(name: str, formula: Any, x: Tensor, dim: int | None, keepdim: bool):
    fitting(name, "iuf", x)
    if dim is None:
        _want_elements(name, x, tuple(range(x.ndim)))
        out = formula(x.data)
        return constant(np.reshape(out, (1,) * x.ndim if keepdim else ()))
    axis = normalize_dim(name, dim, x.ndim)
    if x.ndim == 0:
        return constant(np.zeros_like(x.data, dtype=np.int64))
    _want_elements(name, x, (axis,))
    return constant(formula(x.data, axis=axis, keepdims=keepdim))


def _want_elements(name: str, x: Tensor, axes: tuple[int, ...]) -> None:
    """The largest of nothing does not exist."""
    if any(x.shape[axis] == 0 for axis in axes):
        raise IndexError(
            f"{name}: a tensor of shape {x.shape} has no elements over dim {axes}"
        )
