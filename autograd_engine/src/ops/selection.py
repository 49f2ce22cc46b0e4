"""Elements by a mask or by their flat number, and whole slices by a list of numbers."""

from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import scalar_dtype, weak_promote
from ..engine.function import Function
from ..engine.tensor import Tensor, make
from .indexing import check_bounds
from .inplace import in_place
from .joining import broadcast_tensors
from .places import Place, Read, Spread, Write, read_at
from .reductions import normalize_dim
from .scatter import integer_index
from .shape import reshape


class MaskedFill(Function):
    """A copy with one value where the mask holds; nothing flows back from there."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, mask: Any, value: Tensor) -> Any:
        ctx.mask = mask.copy() if any(ctx.needs_input_grad) else None
        out = x.data.copy()
        np.copyto(out, value.data, where=mask)
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        zero = make(array_module(grad.data).zeros((), grad.dtype), False, None)
        grad_value = None
        if ctx.needs_input_grad[2]:
            grad_value = grad * make(ctx.mask.astype(grad.dtype), False, None)
        return MaskedFill.apply(grad, ctx.mask, zero), None, grad_value


def masked_fill(x: Tensor, mask: Tensor, value: float | Tensor) -> Tensor:
    """`x` with `value` where `mask` holds; the mask broadcasts."""
    mask = _mask("masked_fill", mask)
    if not isinstance(value, Tensor):
        dtype = scalar_dtype(value)
        if weak_promote(x.dtype, dtype) != x.dtype:
            raise RuntimeError(f"masked_fill: {value!r} into a tensor of {x.dtype}")
        value = make(array_module(x.data).asarray(value, x.dtype), False, None)
    elif value.ndim or weak_promote(x.dtype, value.dtype) != x.dtype:
        raise RuntimeError(
            f"masked_fill: the value is a number or a 0-d tensor that {x.dtype} can "
            f"hold, not {value.dtype} of shape {value.shape}"
        )
    if mask.shape != x.shape:
        shape = broadcast_tensors(x, mask)[0].shape
        x = x if x.shape == shape else x.expand(shape)
    return MaskedFill.apply(x, mask.data, value.to(x.dtype))


def masked_select(x: Tensor, mask: Tensor) -> Tensor:
    """The elements where `mask` holds, as a vector."""
    x, mask = broadcast_tensors(x, _mask("masked_select", mask))
    return reshape(read_at(x, (mask.data,), unique=True), -1)


def masked_scatter(x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """`x` with the elements of `source`, in order, where `mask` holds."""
    if source.dtype != x.dtype:
        raise RuntimeError(f"masked_scatter: source of {source.dtype} into {x.dtype}")
    x, mask = broadcast_tensors(x, _mask("masked_scatter", mask))
    count = int(mask.data.sum())
    if source.numel() < count:
        raise RuntimeError(
            f"masked_scatter: {count} elements to fill, {source.numel()} in source"
        )
    values = reshape(source, -1)[:count]
    return Write.apply(x, values, Place(None, (mask.data,), unique=True))


def index_select(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of one axis that `index` names, in its order."""
    whole, place = _slices("index_select", x, dim, index)
    out = Read.apply(whole, place)
    return reshape(out, ()) if x.ndim == 0 else out


def index_add(
    x: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """`x` with `alpha` times the slices of `source` added to those `index` names."""
    whole, place = _slices("index_add", x, dim, index)
    source = _source("index_add", whole, place, source)
    source = source if alpha == 1 else source * alpha
    return reshape(whole + Spread.apply(source, place, whole.shape), x.shape)


def index_copy(x: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """`x` with the slices of `source` in place of those that `index` names."""
    whole, place = _slices("index_copy", x, dim, index)
    source = _source("index_copy", whole, place, source)
    return reshape(Write.apply(whole, source, place), x.shape)


def index_fill(x: Tensor, dim: int, index: Tensor, value: float | Tensor) -> Tensor:
    """`x` with `value` in the slices that `index` names."""
    whole, place = _slices("index_fill", x, dim, index)
    if not isinstance(value, Tensor):
        value = make(array_module(x.data).asarray(value, x.dtype), False, None)
    if value.ndim:
        raise RuntimeError(f"index_fill: a number, not a value of shape {value.shape}")
    return reshape(Write.apply(whole, value.to(x.dtype), place), x.shape)


def take(x: Tensor, index: Tensor) -> Tensor:
    """The elements of the flat tensor that `index` names, in its shape."""
    flat = reshape(x, -1)
    array = integer_index("take", index).data
    if array.size:
        check_bounds("take", int(array.min()), int(array.max()), flat.shape, 0)
    return read_at(flat, (array,))


def put(x: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """`x` with `source` at, or added to, the elements of the flat tensor."""
    array = integer_index("put", index).data.reshape(-1)
    if array.size != source.numel() or source.dtype != x.dtype:
        raise RuntimeError(
            f"put: {array.size} indices, source of {source.dtype} and shape "
            f"{source.shape} into {x.dtype}: as many, of one dtype"
        )
    flat, source = reshape(x, -1), reshape(source, -1)
    if array.size:
        check_bounds("put", int(array.min()), int(array.max()), flat.shape, 0)
    place = Place(None, (array,))
    if accumulate:
        return reshape(flat + Spread.apply(source, place, flat.shape), x.shape)
    return reshape(Write.apply(flat, source, place), x.shape)


def nonzero(x: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of what is not 0: a row each, or (as_tuple) a vector an axis."""
    array = x.data.reshape(1) if x.ndim == 0 and as_tuple else x.data
    if as_tuple:
        return tuple(Tensor(part) for part in array.nonzero())
    return Tensor(array_module(array).argwhere(array))


def argwhere(x: Tensor) -> Tensor:
    """The indices of what is not 0, a row each."""
    return nonzero(x)


masked_fill_ = in_place(masked_fill)
masked_scatter_ = in_place(masked_scatter)
index_add_ = in_place(index_add)
index_copy_ = in_place(index_copy)
index_fill_ = in_place(index_fill)
put_ = in_place(put)


def _slices(name: str, x: Tensor, dim: int, index: Tensor) -> tuple[Tensor, Place]:
    dim = normalize_dim(name, dim, x.ndim)
    array = integer_index(name, index).data
    if array.ndim > 1:
        raise IndexError(f"{name}: the index is a vector, not of shape {index.shape}")
    array = array.reshape(-1)
    x = reshape(x, 1) if x.ndim == 0 else x
    if array.size:
        low = int(array.min())
        low = low if low >= 0 else -x.shape[dim] - 1  # PyTorch does not count backwards
        check_bounds(name, low, int(array.max()), x.shape, dim)
    return x, Place(None, (slice(None),) * dim + (array,))


def _source(name: str, x: Tensor, place: Place, source: Tensor) -> Tensor:
    if source.dtype != x.dtype:
        raise RuntimeError(f"{name}: source of {source.dtype} into {x.dtype}")
    dim, count = len(place.index) - 1, place.index[-1].size
    wanted = (*x.shape[:dim], count, *x.shape[dim + 1 :])
    if source.shape == wanted:
        return source
    if source.ndim == 0 and wanted == (1,):
        return reshape(source, 1)
    raise RuntimeError(
        f"{name}: source of shape {source.shape} for {count} slices of axis {dim} of a "
        f"tensor of shape {x.shape}: {wanted} is wanted"
    )


def _mask(name: str, mask: Tensor) -> Tensor:
    if not isinstance(mask, Tensor) or mask.dtype != np.bool_:
        kind = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise RuntimeError(f"{name}: the mask is a bool tensor, not {kind}")
    return mask
