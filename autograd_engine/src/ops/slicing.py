"""Parts of a tensor as views of its memory: ranges, windows, diagonals."""

from typing import Any

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..engine.views import as_view
from .places import Place, Spread, Write, view_at
from .reductions import normalize_dim
from .splitting import axis_of


class Unfold(Function):
    """Windows of one axis; they may overlap, so that backward adds."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, dim: int, size: int, step: int) -> Any:
        ctx.shape, ctx.how = x.shape, (dim, size, step)
        xp = array_module(x.data)
        windows = xp.lib.stride_tricks.sliding_window_view(x.data, size, dim)
        return windows[(slice(None),) * dim + (slice(None, None, step),)]

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Fold.apply(grad, ctx.shape, *ctx.how), None, None, None


class Fold(Function):
    """The transpose of Unfold: each window added where it was taken."""

    @staticmethod
    def forward(
        ctx: Function, x: Tensor, shape: tuple, dim: int, size: int, step: int
    ) -> Any:
        ctx.how = (dim, size, step)
        out = array_module(x.data).zeros(shape, x.dtype)
        count = x.shape[dim]
        for k in range(size):
            part = slice(k, k + (count - 1) * step + 1, step)
            out[(slice(None),) * dim + (part,)] += x.data[..., k]
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return unfold(grad, *ctx.how), None, None, None, None


def narrow(x: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """`length` elements of one axis from `start`."""
    dim, start = axis_of("narrow", x, dim), int(start)
    size = x.shape[dim]
    if not -size <= start <= size or length < 0:
        raise IndexError(f"narrow: start {start}, length {length} in {size} elements")
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(f"narrow: {start} + {length} exceeds {size} elements")
    key = (slice(None),) * dim + (slice(start, start + length),)
    return view_at(x, lambda array: array[key])


def select(x: Tensor, dim: int, index: int) -> Tensor:
    """One index of one axis, which disappears."""
    dim = axis_of("select", x, dim)
    if not -x.shape[dim] <= index < x.shape[dim]:
        raise IndexError(
            f"select: index {index} is out of bounds for axis {dim} of size "
            f"{x.shape[dim]} (shape {x.shape})"
        )
    key = (slice(None),) * dim + (index, ...)
    return view_at(x, lambda array: array[key])


def unfold(x: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Windows of one axis, `step` apart; the elements of each are a new last axis."""
    dim = normalize_dim("unfold", dimension, x.ndim)
    length = x.shape[dim] if x.ndim else 1
    if not 0 <= size <= length or step < 1:
        raise RuntimeError(
            f"unfold: size {size}, step {step} on an axis of {length} elements"
        )
    if x.ndim == 0 or size == 0:
        if x.ndim == 0 and size == 1:
            return view_at(x, lambda array: array[None])
        raise NotImplementedError("unfold: windows of no element")
    return as_view(Unfold.apply(x, dim, size, step), x)


def diagonal(x: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of the matrices in two axes, as the last axis of a view."""
    a, b = _two_axes("diagonal", dim1, dim2, x.ndim)
    return view_at(x, _diagonal_view(offset, a, b))


def diag_embed(x: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices that have the last axis of `x` on a diagonal and zeros elsewhere."""
    a, b = _two_axes("diag_embed", dim1, dim2, x.ndim + 1)
    size = x.shape[-1] + abs(offset)
    shape = list(x.shape[:-1])
    for axis in sorted((a, b)):
        shape.insert(axis, size)
    return Spread.apply(x, Place(_diagonal_view(offset, a, b)), tuple(shape))


def diag(x: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix of a vector's elements, or a copy of a matrix' diagonal."""
    if x.ndim not in (1, 2):
        raise RuntimeError(f"diag: a vector or a matrix, not shape {x.shape}")
    if x.ndim == 1:
        return diag_embed(x, diagonal)
    return view_at(x, _diagonal_view(diagonal, 0, 1)).clone()


def diagflat(x: Tensor, offset: int = 0) -> Tensor:
    """The matrix that has all elements on a diagonal."""
    return diag_embed(x.reshape(-1), offset)


def select_scatter(x: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of `x` with `src` at one index of one axis."""
    part = select(x.detach(), dim, index)  # checks dim and index
    key = (slice(None),) * axis_of("select_scatter", x, dim) + (index, ...)
    return _with("select_scatter", x, src, part, lambda array: array[key])


def slice_scatter(
    x: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """A copy of `x` with `src` in a range of one axis."""
    if step < 1:
        raise RuntimeError(f"slice_scatter: a step of at least 1, not {step}")
    axis = axis_of("slice_scatter", x, dim)
    key = (slice(None),) * axis + (slice(start, end, step),)
    part = view_at(x.detach(), lambda array: array[key])
    return _with("slice_scatter", x, src, part, lambda array: array[key])


def diagonal_scatter(
    x: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy of `x` with `src` on a diagonal."""
    view = _diagonal_view(offset, *_two_axes("diagonal_scatter", dim1, dim2, x.ndim))
    return _with("diagonal_scatter", x, src, view_at(x.detach(), view), view)


def _with(name: str, x: Tensor, src: Tensor, part: Tensor, view: Any) -> Tensor:
    if src.shape != part.shape or src.dtype != x.dtype:
        raise RuntimeError(
            f"{name}: src of shape {src.shape} and {src.dtype} for a place of shape "
            f"{part.shape} and {x.dtype}"
        )
    return Write.apply(x, src, Place(view))


def _two_axes(name: str, dim1: int, dim2: int, ndim: int) -> tuple[int, int]:
    a, b = normalize_dim(name, dim1, ndim), normalize_dim(name, dim2, ndim)
    if a == b:
        raise RuntimeError(f"{name}: dim {dim1} and {dim2} are the same axis")
    return a, b


def _diagonal_view(offset: int, a: int, b: int):
    def view(array: Any) -> Any:
        out = array_module(array).diagonal(array, offset, a, b)
        if getattr(array.flags, "writeable", False):
            out.flags.writeable = True  # numpy's is read-only out of caution
        return out

    return view
