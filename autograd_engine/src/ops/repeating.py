"""Elements repeated, shifted and turned around."""

from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from .casts import clone
from .indexing import getitem
from .reductions import normalize_dim, normalize_dims
from .shape import _sizes, expand, flatten, reshape, transpose, unsqueeze


class Flip(Function):
    """The gradient is flipped back."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, dims: tuple[int, ...]) -> Any:
        ctx.dims = dims
        return array_module(x.data).flip(x.data, dims).copy()

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Flip.apply(grad, ctx.dims), None


class Roll(Function):
    """The gradient is rolled back."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, shifts: tuple, dims: tuple) -> Any:
        ctx.shifts, ctx.dims = shifts, dims
        return array_module(x.data).roll(x.data, shifts, dims)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Roll.apply(grad, tuple(-s for s in ctx.shifts), ctx.dims), None, None


def flip(x: Tensor, *axes: int, dims: tuple[int, ...] | None = None) -> Tensor:
    """A copy that runs backwards along the axes `dims`."""
    dims = _sizes((dims,) if dims is not None else axes)
    return Flip.apply(x, normalize_dims("flip", dims, x.ndim) if dims else ())


def fliplr(x: Tensor) -> Tensor:
    """flip along axis 1."""
    return flip(x, _with_axes("fliplr", x, 2) - 1)


def flipud(x: Tensor) -> Tensor:
    """flip along axis 0."""
    return flip(x, _with_axes("flipud", x, 1) - 1)


def rot90(x: Tensor, k: int = 1, dims: tuple[int, int] = (0, 1)) -> Tensor:
    """A copy turned by 90 degrees `k` times, from the first of `dims` to the second."""
    a, b = normalize_dims("rot90", tuple(dims), x.ndim)
    if k % 4 == 0:
        return clone(x)
    if k % 4 == 2:
        return flip(x, a, b)
    return transpose(flip(x, b if k % 4 == 1 else a), a, b)


def roll(
    x: Tensor,
    shifts: int | tuple[int, ...],
    dims: int | tuple[int, ...] | None = None,
) -> Tensor:
    """Elements shifted; what leaves an end enters at the other. Flat without `dims`."""
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    if dims is None or dims == ():
        if len(shifts) != 1:
            raise RuntimeError(f"roll: {len(shifts)} shifts {shifts} but no dims")
        return reshape(Roll.apply(flatten(x), shifts, (0,)), x.shape)
    dims = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(shifts) != len(dims):
        raise RuntimeError(f"roll: shifts {shifts} and dims {dims}: not as many")
    axes = tuple(normalize_dim("roll", d, x.ndim) for d in dims)
    return Roll.apply(x, shifts, axes) if x.ndim else clone(x)


def repeat(x: Tensor, *repeats: int) -> Tensor:
    """Copies of `x` side by side, so many along each axis; more axes go in front."""
    repeats = _sizes(repeats)
    extra = len(repeats) - x.ndim
    if extra < 0 or min(repeats, default=0) < 0:
        raise RuntimeError(
            f"repeat: {repeats} for shape {x.shape}: a number from 0 for each axis, "
            "and those of new axes in front"
        )
    sizes = (1,) * extra + x.shape
    if all(r == 1 for r in repeats):
        return clone(reshape(x, sizes))
    pairs = list(zip(repeats, sizes, strict=True))
    one = reshape(x, [n for _, size in pairs for n in (1, size)])
    many = expand(one, [n for pair in pairs for n in pair])
    out = reshape(many, [r * size for r, size in pairs])
    return out if out._base is None else clone(out)


def tile(x: Tensor, *dims: int) -> Tensor:
    """As repeat, but missing axes in front count as 1."""
    dims = _sizes(dims)
    return repeat(x, (1,) * (x.ndim - len(dims)) + dims)


def repeat_interleave(
    x: Tensor,
    repeats: int | Tensor,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Each index of an axis so many times in a row; flat without `dim`."""
    if dim is None:
        x, dim = flatten(x), 0
    dim = normalize_dim("repeat_interleave", dim, x.ndim)
    x = x if x.ndim else reshape(x, 1)
    size = x.shape[dim]
    if isinstance(repeats, Tensor) and repeats.numel() == 1:
        repeats = int(repeats)
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError(f"repeat_interleave: {repeats} repeats")
        each = unsqueeze(x, dim + 1)
        each = expand(each, *x.shape[: dim + 1], repeats, *x.shape[dim + 1 :])
        out = reshape(each, *x.shape[:dim], size * repeats, *x.shape[dim + 1 :])
        return out if out._base is None else clone(out)
    if repeats.shape != (size,) or (repeats.data < 0).any():
        raise RuntimeError(
            f"repeat_interleave: repeats of shape {repeats.shape} for axis {dim} "
            f"of size {size}: a number from 0 for each index"
        )
    xp = array_module(x.data)
    # CuPy wants to know the length of the result beforehand: numbers, no array.
    counts = repeats.data if xp is np else repeats.data.tolist()
    index = xp.repeat(xp.arange(size), counts)
    if output_size is not None and output_size != index.size:
        raise RuntimeError(
            f"repeat_interleave: output_size {output_size}, but the repeats add up to "
            f"{index.size}"
        )
    return getitem(x, (slice(None),) * dim + (index,))


def _with_axes(name: str, x: Tensor, least: int) -> int:
    if x.ndim < least:
        raise RuntimeError(f"{name}: at least {least} axes, not shape {x.shape}")
    return least
