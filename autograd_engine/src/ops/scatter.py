"""gather, and what else has an index for each element along one axis.

At dim 0 gather is out[i][j] = x[index[i][j]][j], scatter_add
x[index[i][j]][j] += src[i][j].
"""

import numpy as np

from ..engine.tensor import Tensor, make
from .inplace import in_place
from .places import Place, Spread, along, read_at, view_at
from .reductions import normalize_dim
from .shape import reshape


def gather(x: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """The values of `x` at `index` along `dim`; its other axes may be smaller."""
    if sparse_grad:
        raise NotImplementedError("gather: gradients are dense (sparse_grad=False)")
    if index.numel() == 0:
        return reshape(view_at(x, lambda a: a.reshape(-1)[:0]), index.shape)
    x, dim, index, shape = aligned("gather", x, dim, index)
    return reshape(read_at(x, along(dim, index, x.ndim)), shape)


def take_along_dim(x: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """gather whose other axes broadcast; of the flat tensor without `dim`."""
    if dim is None:
        return gather(reshape(x, -1), 0, reshape(indices, -1))
    dim = normalize_dim("take_along_dim", dim, x.ndim)
    if x.ndim != indices.ndim:
        raise RuntimeError(
            f"take_along_dim: shape {x.shape} and indices of shape {indices.shape}: "
            "as many axes are wanted"
        )
    both = [list(x.shape), list(indices.shape)]
    both[0][dim] = both[1][dim] = 1
    try:
        shape = list(np.broadcast_shapes(*map(tuple, both)))
    except ValueError:
        raise RuntimeError(
            f"take_along_dim: shapes {x.shape} and {indices.shape} do not broadcast "
            f"beside axis {dim}"
        ) from None
    shape[dim] = x.shape[dim]
    x, size = x.expand(shape), x.shape[dim]
    shape[dim] = indices.shape[dim]
    array = integer_index("take_along_dim", indices).data
    array = np.broadcast_to(np.where(array < 0, array + size, array), shape)
    return gather(x, dim, make(array, False, None))


def scatter_add(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`x` with `src` added at `index`; an index that comes twice adds twice."""

    def add(x: Tensor, src: Tensor, place: Place) -> Tensor:
        return x + Spread.apply(src, place, x.shape)

    return write_along("scatter_add", x, dim, index, src, add)


scatter_add_ = in_place(scatter_add)


def write_along(
    name: str, x: Tensor, dim: int, index: Tensor, src: Tensor, change
) -> Tensor:
    """`change(x, src, place)` where index and src are brought to each other's shape."""
    if src.dtype != x.dtype:
        raise RuntimeError(f"{name}: src of {src.dtype} for a tensor of {x.dtype}")
    if index.numel() == 0:
        return x.clone()
    shape = x.shape
    if src.ndim == 0 and x.ndim == 0:
        src = reshape(src, 1)
    x, dim, array, _ = aligned(name, x, dim, index)
    if src.ndim != array.ndim or any(
        i > s for i, s in zip(array.shape, src.shape, strict=True)
    ):
        raise RuntimeError(
            f"{name}: index of shape {index.shape} is larger than src of {src.shape}"
        )
    if src.shape != array.shape:
        key = tuple(slice(n) for n in array.shape)
        src = view_at(src, lambda a: a[key])
    place = Place(None, along(dim, array, x.ndim))
    return reshape(change(x, src, place), shape)


def aligned(name: str, x: Tensor, dim: int, index: Tensor) -> tuple:
    """x, dim and the index array with at least one axis, checked; the index' shape."""
    dim, shape = normalize_dim(name, dim, x.ndim), index.shape
    array = integer_index(name, index).data
    if x.ndim == 0:
        x = reshape(x, 1)
    array = array.reshape(1) if array.ndim == 0 else array
    if array.ndim != x.ndim or any(
        i > n and axis != dim
        for axis, (i, n) in enumerate(zip(array.shape, x.shape, strict=True))
    ):
        raise RuntimeError(
            f"{name}: index of shape {shape} for shape {x.shape}: as many axes, and "
            f"none longer but axis {dim}"
        )
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= x.shape[dim]:
        raise RuntimeError(
            f"{name}: index {low if low < 0 else high} is out of bounds for axis {dim} "
            f"of size {x.shape[dim]} (shape {x.shape})"
        )
    return x, dim, array, shape


def integer_index(name: str, index: Tensor) -> Tensor:
    """`index`, or RuntimeError for what is no tensor of int64 or int32."""
    if not isinstance(index, Tensor) or index.dtype not in (np.int64, np.int32):
        kind = index.dtype if isinstance(index, Tensor) else type(index).__name__
        raise RuntimeError(f"{name}: the index is an int64 tensor, not {kind}")
    return index
