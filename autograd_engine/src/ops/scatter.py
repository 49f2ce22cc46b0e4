"""gather, its transpose scatter_add, and the other ways to write by index along an axis.

out[i][j] = x[index[i][j]][j] for gather at dim 0; x[index[i][j]][j] = src[i][j] for scatter.
"""

import math
from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from .inplace import in_place
from .places import Place, Read, Spread, Write, along, read_at, view_at
from .reductions import normalize_dim
from .rows import scatter_add_rows as scatter_add_rows
from .shape import reshape


def gather(x: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """The values of `x` at `index` along `dim`; every other axis of `index` may be smaller."""
    if sparse_grad:
        raise NotImplementedError("gather: gradients are dense (sparse_grad=False)")
    if index.numel() == 0:
        index = _integer("gather", index)
        return reshape(view_at(x, lambda a: a.reshape(-1)[:0]), index.shape)
    x, dim, index, shape = _aligned("gather", x, dim, index)
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
    x = x.expand(shape)
    shape[dim] = indices.shape[dim]
    return gather(x, dim, indices.expand(shape))


def scatter(
    x: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | float | None = None,
    *,
    value: float | None = None,
    reduce: str | None = None,
) -> Tensor:
    """`x` with `src` written at `index`; an index that comes twice keeps the last."""
    src = value if src is None else src
    if reduce is not None:
        how = {"add": "sum", "multiply": "prod"}.get(reduce)
        if how is None:
            raise RuntimeError(
                f"scatter: reduce is 'add' or 'multiply', not {reduce!r}"
            )
        src = src if isinstance(src, Tensor) else _full(x, index, src)
        return scatter_reduce(x, dim, index, src, how)
    if not isinstance(src, Tensor):
        src = _full(x, index, src)
    return _along("scatter", x, dim, index, src, Write.apply)


def scatter_add(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`x` with `src` added at `index`; an index that comes twice adds twice."""

    def add(x: Tensor, src: Tensor, place: Place) -> Tensor:
        return x + Spread.apply(src, place, x.shape)

    return _along("scatter_add", x, dim, index, src, add)


def scatter_reduce(
    x: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """`reduce` (sum, mean, prod, amax, amin) of all of `src` that go to one element.

    The old value counts as one of them with `include_self`. Elements that no index
    names stay as they are. Equal extremes share the gradient.
    """
    if reduce not in ("sum", "mean", "prod", "amax", "amin"):
        raise RuntimeError(
            f"scatter_reduce: reduce is sum, mean, prod, amax or amin, not {reduce!r}"
        )

    def change(x: Tensor, src: Tensor, place: Place) -> Tensor:
        if reduce in ("sum", "mean"):
            return _sum(x, src, place, reduce == "mean", include_self)
        return Reduce.apply(x, src, place, reduce, include_self)

    return _along("scatter_reduce", x, dim, index, src, change)


scatter_ = in_place(scatter)
scatter_add_ = in_place(scatter_add)
scatter_reduce_ = in_place(scatter_reduce)


class Reduce(Function):
    """The product or an extreme of what goes to one element, on arrays."""

    @staticmethod
    def forward(
        ctx: Function, x: Tensor, src: Tensor, place: Place, how: str, own: bool
    ) -> Any:
        ctx.place, ctx.how, ctx.own = place, how, own
        out = x.data.copy()
        if not own:
            place.write(out, _start(how, x.dtype))
        ufunc = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}[how]
        ufunc.at(out, place.index, src.data)
        ctx.save_for_backward(x, src, out)
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        x, src, out = (t.data for t in ctx.saved_tensors)
        place, xp = ctx.place, array_module(grad.data)
        counts = xp.ones(x.shape, bool)
        if not ctx.own:
            place.write(counts, False)
        if ctx.how == "prod":
            gx, gs = _prod_gradients(x, src, counts, place)
            gx, gs = grad.data * gx, place.read(grad.data) * gs
        else:
            mine = counts * (x == out)
            theirs = (src == place.read(out)).astype(grad.dtype)
            share = grad.data / xp.maximum(mine + place.spread(theirs, x.shape), 1)
            gx, gs = share * mine, place.read(share) * theirs
        return gx, gs, None, None, None


def _prod_gradients(x: Any, src: Any, counts: Any, place: Place) -> tuple:
    """The product of the others for each factor; exact where factors are 0."""
    xp = array_module(x)
    own = xp.where(counts, x, 1)
    product = xp.where(own == 0, 1, own)
    xp.multiply.at(product, place.index, xp.where(src == 0, 1, src))
    zeros = (own == 0) + place.spread((src == 0).astype(np.int64), x.shape)

    def others(value: Any, product: Any, zeros: Any) -> Any:
        rest = product / xp.where(value == 0, 1, value)
        return xp.where(zeros - (value == 0) == 0, rest, 0)

    gx = xp.where(counts, others(own, product, zeros), 0)
    return gx, others(src, place.read(product), place.read(zeros))


def _sum(x: Tensor, src: Tensor, place: Place, mean: bool, own: bool) -> Tensor:
    xp = array_module(x.data)
    if not own:
        x = Write.apply(x, Tensor(xp.zeros((), x.dtype)), place)
    out = x + Spread.apply(src, place, x.shape)
    if not mean:
        return out
    count = place.spread(xp.ones(src.shape, x.dtype), x.shape)
    count = xp.maximum(count + 1 if own else count, 1)
    if out.is_floating_point():
        return out / Tensor(count)
    return Tensor(out.data // count)


def _along(
    name: str, x: Tensor, dim: int, index: Tensor, src: Tensor, change
) -> Tensor:
    """`change(x, src, place)` where index and src are brought to each other's shape."""
    if src.dtype != x.dtype:
        raise RuntimeError(f"{name}: src of {src.dtype} for a tensor of {x.dtype}")
    if index.numel() == 0:
        _integer(name, index)
        return x.clone()
    shape = x.shape
    if src.ndim == 0 and x.ndim == 0:
        src = reshape(src, 1)
    x, dim, array, _ = _aligned(name, x, dim, index)
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


def _aligned(name: str, x: Tensor, dim: int, index: Tensor) -> tuple:
    """x, dim and the index array with at least one axis, checked; the index' shape."""
    dim, shape = normalize_dim(name, dim, x.ndim), index.shape
    array = _integer(name, index).data
    if x.ndim == 0:
        x = reshape(x, 1)
    array = array.reshape(1) if array.ndim == 0 else array
    if array.ndim != x.ndim or any(
        i > n and axis != dim
        for axis, (i, n) in enumerate(zip(array.shape, x.shape, strict=True))
    ):
        raise RuntimeError(
            f"{name}: index of shape {shape} for shape {x.shape}: as many axes, and none "
            f"longer but axis {dim}"
        )
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= x.shape[dim]:
        raise RuntimeError(
            f"{name}: index {low if low < 0 else high} is out of bounds for axis {dim} "
            f"of size {x.shape[dim]} (shape {x.shape})"
        )
    return x, dim, array, shape


def _integer(name: str, index: Tensor) -> Tensor:
    if not isinstance(index, Tensor) or index.dtype not in (np.int64, np.int32):
        kind = index.dtype if isinstance(index, Tensor) else type(index).__name__
        raise RuntimeError(f"{name}: the index is an int64 tensor, not {kind}")
    return index


def _full(x: Tensor, index: Tensor, value: float | None) -> Tensor:
    if value is None or isinstance(value, complex):
        raise TypeError(f"scatter: src is a tensor or a number, not {value!r}")
    return Tensor(array_module(x.data).full(index.shape, value, x.dtype))


def _start(how: str, dtype: np.dtype) -> Any:
    if how == "prod":
        return 1
    if dtype.kind == "f":
        return -math.inf if how == "amax" else math.inf
    limits = np.iinfo(dtype)
    return limits.min if how == "amax" else limits.max
