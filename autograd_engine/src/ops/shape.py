"""Other shapes of the same values: views where numpy can, copies where it must."""

import math
from typing import Any

import numpy as np

from ..engine.function import Function
from ..engine.tensor import Tensor
from ..engine.views import as_view
from .casts import alias, clone
from .reductions import normalize_dim, normalize_dims


class Reshape(Function):
    """The gradient takes the old shape."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, shape: tuple[int, ...]) -> np.ndarray:
        ctx.shape = x.shape
        try:
            return x.data.reshape(shape)
        except ValueError:
            raise RuntimeError(
                f"reshape: {x.numel()} elements of shape {x.shape} "
                f"do not fill {tuple(shape)}"
            ) from None

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return grad.reshape(ctx.shape), None


class Expand(Function):
    """The engine sums the gradient over the axes that were repeated."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, shape: tuple[int, ...]) -> np.ndarray:
        try:
            return np.broadcast_to(x.data, shape)
        except ValueError:
            raise RuntimeError(
                f"expand: shape {x.shape} does not broadcast to {tuple(shape)}"
            ) from None

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return grad, None


class Permute(Function):
    """The gradient goes back through the inverse order."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, dims: tuple[int, ...]) -> np.ndarray:
        ctx.dims = dims
        return x.data.transpose(dims)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        inverse = sorted(range(len(ctx.dims)), key=ctx.dims.__getitem__)
        return permute(grad, tuple(inverse)), None


def reshape(x: Tensor, *shape: int) -> Tensor:
    """The values in another shape; one size may be -1. A view where memory allows."""
    out = Reshape.apply(x, _sizes(shape))
    if x.data.flags.c_contiguous or np.may_share_memory(out.data, x.data):
        return as_view(out, x)
    return out


def view(x: Tensor, *shape: int) -> Tensor:
    """As reshape, and RuntimeError where that would need a copy."""
    if len(shape) == 1 and isinstance(shape[0], (np.dtype, type)):
        raise NotImplementedError(
            f"view({shape[0]}): the bytes of a tensor in another dtype; "
            "use to(dtype) to convert the values"
        )
    out = reshape(x, *shape)
    if out._base is None and out.numel():
        raise RuntimeError(
            f"view: shape {out.shape} of a tensor of shape {x.shape} and strides (in "
            f"bytes) {x.data.strides} needs a copy; use .contiguous().view or .reshape"
        )
    return out


def view_as(x: Tensor, other: Tensor) -> Tensor:
    """`view` in the shape of `other`."""
    return view(x, other.shape)


def reshape_as(x: Tensor, other: Tensor) -> Tensor:
    """`reshape` to the shape of `other`."""
    return reshape(x, other.shape)


def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from `start_dim` to `end_dim` as one."""
    start = normalize_dim("flatten", start_dim, x.ndim)
    end = normalize_dim("flatten", end_dim, x.ndim)
    if start > end:
        raise RuntimeError(f"flatten: start_dim {start_dim} comes after {end_dim}")
    if x.ndim == 0:
        return reshape(x, 1)
    if start == end:
        return x
    size = math.prod(x.shape[start : end + 1])
    return reshape(x, x.shape[:start] + (size,) + x.shape[end + 1 :])


def unflatten(x: Tensor, dim: int, sizes: tuple[int, ...]) -> Tensor:
    """One axis as several; one of `sizes` may be -1."""
    dim, sizes = normalize_dim("unflatten", dim, x.ndim), tuple(sizes)
    known = -math.prod(sizes)
    if -1 in sizes and known > 0 and x.shape[dim] % known == 0:
        sizes = tuple(x.shape[dim] // known if s == -1 else s for s in sizes)
    if not sizes or min(sizes) < 0 or math.prod(sizes) != x.shape[dim]:
        raise RuntimeError(
            f"unflatten: sizes {sizes} do not multiply to axis {dim} of {x.shape}"
        )
    return reshape(x, x.shape[:dim] + sizes + x.shape[dim + 1 :])


def ravel(x: Tensor) -> Tensor:
    """One axis; a copy only where memory demands it."""
    return x if x.ndim == 1 and is_contiguous(x) else reshape(x, -1)


def permute(x: Tensor, *dims: int) -> Tensor:
    """The axes in another order."""
    dims = _sizes(dims)
    if len(dims) != x.ndim:
        raise RuntimeError(f"permute: {len(dims)} dims {dims} for shape {x.shape}")
    order = normalize_dims("permute", dims, x.ndim) if dims else ()
    return as_view(Permute.apply(x, order), x)


def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged."""
    a = normalize_dim("transpose", dim0, x.ndim)
    b = normalize_dim("transpose", dim1, x.ndim)
    order = list(range(x.ndim))
    if order:
        order[a], order[b] = b, a
    return as_view(Permute.apply(x, tuple(order)), x)


def movedim(x: Tensor, source: Any, destination: Any) -> Tensor:
    """Axes moved to other places, the rest in their old order."""
    source, destination = _several(source), _several(destination)
    if len(source) != len(destination):
        raise RuntimeError(f"movedim: from {source} to {destination}: not as many")
    if not source:
        return alias(x)
    source = normalize_dims("movedim", source, x.ndim)
    destination = normalize_dims("movedim", destination, x.ndim)
    order = [axis for axis in range(x.ndim) if axis not in source]
    if x.ndim:
        for place, axis in sorted(zip(destination, source, strict=True)):
            order.insert(place, axis)
    return permute(x, tuple(order))


def t(x: Tensor) -> Tensor:
    """The transpose of a matrix; a vector or a number as it is."""
    if x.ndim > 2:
        raise RuntimeError(f"t: at most 2 axes, not shape {x.shape}; use transpose")
    return transpose(x, 0, 1) if x.ndim == 2 else alias(x)


def reversed_axes(x: Tensor) -> Tensor:
    """`x.T`: all axes in reverse."""
    return permute(x, tuple(range(x.ndim))[::-1])


def matrix_transpose(x: Tensor) -> Tensor:
    """`x.mT`: the last two axes exchanged."""
    if x.ndim < 2:
        raise RuntimeError(f"mT: at least 2 axes, not shape {x.shape}")
    return transpose(x, -2, -1)


def squeeze(x: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """Without the axes of size 1: all, or those of `dim` that have it."""
    if dim is None:
        drop = tuple(range(x.ndim))
    else:
        drop = normalize_dims("squeeze", dim, x.ndim) if dim != () else ()
    kept = tuple(s for i, s in enumerate(x.shape) if s != 1 or i not in drop)
    return as_view(Reshape.apply(x, kept), x)


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """A new axis of size 1 at `dim`."""
    dim = normalize_dim("unsqueeze", dim, x.ndim + 1)
    return as_view(Reshape.apply(x, x.shape[:dim] + (1,) + x.shape[dim:]), x)


def expand(x: Tensor, *shape: int) -> Tensor:
    """Axes of size 1 repeated without a copy; -1 keeps a size."""
    shape = _sizes(shape)
    extra = len(shape) - x.ndim
    wanted = tuple(
        x.shape[i - extra] if size == -1 and i >= extra else size
        for i, size in enumerate(shape)
    )
    if extra < 0 or min(wanted, default=0) < 0:
        raise RuntimeError(f"expand: shape {x.shape} does not broadcast to {shape}")
    return as_view(Expand.apply(x, wanted), x)


def expand_as(x: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of `other`."""
    return expand(x, other.shape)


def contiguous(x: Tensor) -> Tensor:
    """`x` itself if its memory is in row order, else a copy that is."""
    return x if is_contiguous(x) else clone(x)


def is_contiguous(x: Tensor) -> bool:
    """Whether the elements lie in memory in the order of the index."""
    return bool(x.data.flags.c_contiguous)


broadcast_to = expand
swapaxes = swapdims = transpose
moveaxis = movedim


def _several(dim: Any) -> tuple[int, ...]:
    return (dim,) if isinstance(dim, int) else tuple(dim)


def _sizes(shape: tuple) -> tuple[int, ...]:
    """`x.reshape(2, 3)` and `x.reshape((2, 3))` are the same."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    return tuple([size.__index__() for size in shape])
