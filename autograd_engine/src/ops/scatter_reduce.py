"""scatter and scatter_reduce: what goes to one element replaces it or is combined."""

import math
from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor, make
from .inplace import in_place
from .places import Place, Read, Spread, Write
from .scatter import write_along


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
    return write_along("scatter", x, dim, index, src, Write.apply)


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

    return write_along("scatter_reduce", x, dim, index, src, change)


scatter_ = in_place(scatter)
scatter_reduce_ = in_place(scatter_reduce)


class Reduce(Function):
    """The product or an extreme of what goes to one element.

    The gradient of the product works on arrays: it is not differentiated twice.
    """

    @staticmethod
    def forward(
        ctx: Function, x: Tensor, src: Tensor, place: Place, how: str, own: bool
    ) -> Any:
        ctx.place, ctx.how, ctx.own = place.kept(True), how, own
        out = x.data.copy()
        if not own:
            place.write(out, _start(how, x.dtype))
        if how == "prod" and array_module(out) is not np:
            raise NotImplementedError(
                "scatter_reduce: 'prod' is not there on a GPU (CuPy has no "
                "multiply.at); take the tensor to the CPU with .cpu()"
            )
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
            return grad.data * gx, place.read(grad.data) * gs, None, None, None
        mine = counts * (x == out)
        theirs = (src == place.read(out)).astype(x.dtype)
        several = xp.maximum(mine + place.spread(theirs, x.shape), 1)
        gx = grad * make((mine / several).astype(x.dtype), False, None)
        share = theirs / place.read(several)
        gs = Read.apply(grad, place) * make(share, False, None)
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
