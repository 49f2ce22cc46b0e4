"""Where in a tensor an operation reads and writes: one description, three operations.

`Read` takes the values at a place, `Spread` is its transpose (zeros with values added
at the place), `Write` is a copy with other values at the place. Each is the derivative
of another, so that every operation made of them can be differentiated any number of
times: slices, indexing, gather, scatter, sort, diagonal ...
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..engine.views import as_view
from .rows import scatter_add_rows


class Place:
    """A writable view of an array, and then, if given, an advanced index into it.

    `index` holds full slices, integer arrays and at most one mask. `unique`: no
    element is named twice.
    """

    def __init__(
        self,
        view: Callable | None = None,
        index: tuple | None = None,
        unique: bool = False,
    ) -> None:
        self.view, self.index = view, index
        self.unique = unique or index is None

    def kept(self, record: bool) -> "Place":
        """For the backward pass: a place whose index nobody else can write to."""
        if not record or self.index is None:
            return self
        own = tuple(i if isinstance(i, slice) else i.copy() for i in self.index)
        return Place(self.view, own, self.unique)

    def base(self, array: Any) -> Any:
        return array if self.view is None else self.view(array)

    def read(self, array: Any) -> Any:
        array = self.base(array)
        return array if self.index is None else array[self.index]

    def write(self, array: Any, values: Any) -> None:
        self.base(array)[... if self.index is None else self.index] = values

    def spread(self, values: Any, shape: tuple[int, ...]) -> Any:
        """Zeros of `shape` with `values` added at this place."""
        out = array_module(values).zeros(shape, values.dtype)
        if self.unique:
            self.write(out, values)
            return out
        total = add_at(values, self.index, self.base(out).shape)
        if self.view is None:
            return total
        self.view(out)[...] = total
        return out


class Read(Function):
    """The values at the place."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, place: Place) -> Any:
        ctx.shape, ctx.place = x.shape, place.kept(ctx.needs_input_grad[0])
        return place.read(x.data)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Spread.apply(grad, ctx.place, ctx.shape), None


class Spread(Function):
    """Zeros with the values added at the place."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, place: Place, shape: tuple[int, ...]) -> Any:
        ctx.place = place.kept(ctx.needs_input_grad[0])
        return place.spread(x.data, shape)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Read.apply(grad, ctx.place), None, None


class Write(Function):
    """A copy of `x` with `value` at the place; of a place named twice the last wins."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, value: Tensor, place: Place) -> Any:
        ctx.place = place.kept(any(ctx.needs_input_grad))
        out = x.data.copy()
        place.write(out, value.data)
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        grad_x = grad_value = None
        if ctx.needs_input_grad[0]:
            zero = Tensor(array_module(grad.data).zeros((), grad.dtype))
            grad_x = Write.apply(grad, zero, ctx.place)
        if ctx.needs_input_grad[1]:
            grad_value = Read.apply(grad, ctx.place)
            if not ctx.place.unique:
                grad_value = grad_value * Tensor(_last(ctx.place, grad.data))
        return grad_x, grad_value, None


def view_at(x: Tensor, view: Callable) -> Tensor:
    """The part of `x` that `view` shows, sharing its memory."""
    return as_view(Read.apply(x, Place(view)), x)


def read_at(x: Tensor, index: tuple, unique: bool = False) -> Tensor:
    """The values at an advanced index."""
    return Read.apply(x, Place(None, index, unique))


def along(dim: int, index: Any, ndim: int) -> tuple:
    """The index that names `x[.., index[i, j, k], ..]` at axis `dim` (torch.gather)."""
    xp = array_module(index)
    if ndim == 0:
        return (index,)
    mesh = [
        xp.arange(size).reshape((-1,) + (1,) * (ndim - 1 - axis))
        for axis, size in enumerate(index.shape)
    ]
    mesh[dim] = index
    return tuple(mesh)


def add_at(values: Any, index: tuple, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `values` added at an advanced index; repeated ones add up.

    The indexed axes come first and become one: then it is a sum of rows.
    """
    xp = array_module(values)
    index = index + (slice(None),) * (len(shape) - len(index))
    axes = [i for i, part in enumerate(index) if not isinstance(part, slice)]
    rest = [i for i in range(len(shape)) if i not in axes]
    arrays = xp.broadcast_arrays(*[index[axis] for axis in axes])
    flat = xp.zeros(arrays[0].shape, np.int64)
    for axis, array in zip(axes, arrays, strict=True):
        flat = flat * shape[axis] + xp.where(array < 0, array + shape[axis], array)
    adjacent = axes == list(range(axes[0], axes[-1] + 1))
    first = axes[0] if adjacent else 0
    values = xp.moveaxis(
        values, range(first, first + flat.ndim), tuple(range(flat.ndim))
    )
    indexed, others = [shape[i] for i in axes], [shape[i] for i in rest]
    rows = values.reshape((flat.size, math.prod(others)))
    total = scatter_add_rows(rows, flat.reshape(-1), math.prod(indexed))
    return xp.moveaxis(total.reshape((*indexed, *others)), range(len(axes)), axes)


def _last(place: Place, like: Any) -> Any:
    """1 where a value is the last one written to its element, 0 where it was lost."""
    xp = array_module(like)
    winner = xp.zeros(like.shape, np.int64)
    numbers = xp.arange(place.read(winner).size).reshape(place.read(winner).shape)
    place.write(winner, numbers)
    return (place.read(winner) == numbers).astype(like.dtype)
