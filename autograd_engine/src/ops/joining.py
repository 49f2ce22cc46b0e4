"""Tensors put together: cat, stack and what is made of them."""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import promote_types
from ..engine.function import Function
from ..engine.tensor import Tensor
from .aliases import numpy_names
from .places import view_at
from .reductions import normalize_dim
from .shape import expand, flatten, permute, reshape, unsqueeze


class Cat(Function):
    """Each tensor gets its part of the gradient."""

    @staticmethod
    def forward(ctx: Function, dim: int, *tensors: Tensor):
        ctx.dim, ctx.sizes = dim, [t.shape[dim] for t in tensors]
        xp = array_module(tensors[0].data)
        return xp.concatenate([t.data for t in tensors], dim)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        grads, start = [None], 0
        for size, need in zip(ctx.sizes, ctx.needs_input_grad[1:], strict=True):
            key = (slice(None),) * ctx.dim + (slice(start, start + size),)
            grads.append(view_at(grad, lambda a, k=key: a[k]) if need else None)
            start += size
        return tuple(grads)


class Stack(Function):
    """Each tensor gets its slice of the gradient."""

    @staticmethod
    def forward(ctx: Function, dim: int, *tensors: Tensor):
        ctx.dim = dim
        return array_module(tensors[0].data).stack([t.data for t in tensors], dim)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        keys = [(slice(None),) * ctx.dim + (i, ...) for i in range(grad.shape[ctx.dim])]
        return None, *[
            view_at(grad, lambda a, k=key: a[k]) if need else None
            for key, need in zip(keys, ctx.needs_input_grad[1:], strict=True)
        ]


@numpy_names
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along `dim`; 1-d empty ones are passed over."""
    tensors = _checked("cat", tensors)
    if any(t.ndim == 0 for t in tensors):
        raise RuntimeError("cat: a 0-d tensor has no axis to join; use stack")
    kept = [t for t in tensors if t.shape != (0,)] or tensors
    dim = normalize_dim("cat", dim, kept[0].ndim)
    first = kept[0].shape
    for i, tensor in enumerate(kept):
        other = tensor.shape
        if len(other) != len(first) or any(
            a != b and axis != dim
            for axis, (a, b) in enumerate(zip(first, other, strict=True))
        ):
            raise RuntimeError(
                f"cat: shapes {first} and {other} (tensor {i}) differ in more than "
                f"axis {dim}"
            )
    return Cat.apply(dim, *kept)


@numpy_names
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, along a new axis."""
    tensors = _checked("stack", tensors)
    for i, tensor in enumerate(tensors):
        if tensor.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack: shapes {tensors[0].shape} and {tensor.shape} (tensor {i}) "
                "differ"
            )
    return Stack.apply(normalize_dim("stack", dim, tensors[0].ndim + 1), *tensors)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Beside each other: along axis 1, vectors along their only one."""
    tensors = [atleast_1d(t) for t in tensors]
    return cat(tensors, 0 if tensors and tensors[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Below each other, vectors as rows."""
    return cat([atleast_2d(t) for t in tensors])


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Along the third axis."""
    return cat([atleast_3d(t) for t in tensors], 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Vectors as the columns of a matrix, matrices beside each other."""
    return hstack([reshape(t, t.numel(), 1) if t.ndim <= 1 else t for t in tensors])


def atleast_1d(*tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
    """A number as a vector of one."""
    return _each(lambda x: reshape(x, 1) if x.ndim == 0 else x, tensors)


def atleast_2d(*tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
    """A vector as one row."""
    return _each(lambda x: _rows(x) if x.ndim < 2 else x, tensors)


def atleast_3d(*tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
    """A matrix with a last axis of 1; a vector in the middle of three axes."""
    return _each(_three_axes, tensors)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All as views of their common shape."""
    try:
        shape = np.broadcast_shapes(*[t.shape for t in _checked("broadcast", tensors)])
    except ValueError:
        told = " and ".join(str(t.shape) for t in tensors)
        raise RuntimeError(f"broadcast_tensors: shapes {told} do not fit") from None
    return tuple(expand(t, shape) for t in tensors)


def meshgrid(*tensors: Tensor, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Each vector along an axis of its own, repeated along the others."""
    if len(tensors) == 1 and not isinstance(tensors[0], Tensor):
        tensors = tuple(tensors[0])
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing is 'ij' or 'xy', not {indexing!r}")
    if any(t.ndim > 1 for t in tensors):
        raise RuntimeError("meshgrid: vectors are wanted")
    count = len(tensors)
    shape = tuple(t.numel() for t in tensors)
    grids = [
        expand(reshape(t, (1,) * i + (-1,) + (1,) * (count - 1 - i)), shape)
        for i, t in enumerate(map(atleast_1d, tensors))
    ]
    if indexing == "xy" and count > 1:
        order = (1, 0, *range(2, count))
        grids = [permute(g, order) for g in grids]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of the elements of vectors, one a row."""
    if len(tensors) == 1:
        return tensors[0]
    return stack([flatten(g) for g in meshgrid(*tensors)], 1)


def block_diag(*tensors: Tensor) -> Tensor:
    """The matrices along the diagonal of one, zeros elsewhere."""
    blocks = [_rows(t) if t.ndim < 2 else t for t in tensors]
    width, start, rows = sum(b.shape[1] for b in blocks), 0, []
    for block in blocks:
        xp = array_module(block.data)
        height, end = block.shape[0], start + block.shape[1]
        left = Tensor(xp.zeros((height, start), block.dtype))
        right = Tensor(xp.zeros((height, width - end), block.dtype))
        rows.append(cat([left, block, right], 1))
        start = end
    return cat(rows)


concat = concatenate = cat
row_stack = vstack


def _checked(name: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError(f"{name}: at least one tensor is wanted")
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}: tensors are wanted, not {type(tensor).__name__}")
    dtype = reduce(promote_types, [t.dtype for t in tensors])
    return [t.to(dtype) for t in tensors] if name in ("cat", "stack") else tensors


def _each(change, tensors: tuple) -> Tensor | tuple[Tensor, ...]:
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return change(tensors[0])
    several = tensors[0] if len(tensors) == 1 else tensors
    return tuple(change(t) for t in several)


def _three_axes(x: Tensor) -> Tensor:
    if x.ndim >= 3:
        return x
    return unsqueeze(x if x.ndim == 2 else _rows(x), -1)


def _rows(x: Tensor) -> Tensor:
    return reshape(x, 1, x.numel())
