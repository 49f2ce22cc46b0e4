"""x[index], x[index] = value and index_put, with PyTorch's rules.

Integers, slices, None and Ellipsis give a view. Integer tensors and masks give a copy;
its axes stand where the indexed ones stood if these are neighbours, else in front.
Unlike in numpy an integer beside them is a plain choice: it is applied first.
"""

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.arrays import as_array
from ..engine.backend import array_module
from ..engine.tensor import Tensor, make
from ..engine.views import (
    as_view,
    become,
    is_recorded,
    refuse_read_only,
    refuse_write,
)
from .inplace import in_place
from .places import Place, Read, Spread, Write


Index = Any
EMPTY = np.zeros(0, np.int64)


def getitem(x: Tensor, index: Index) -> Tensor:
    """x[index]: a view for integers and slices, a copy for index tensors and masks."""
    place = locate(x.data, index)
    out = Read.apply(x, place)
    return as_view(out, x) if place.index is None else out


def setitem(x: Tensor, index: Index, value: Any) -> None:
    """x[index] = value, in place: what is overwritten gets no gradient."""
    place = locate(x.data, index)
    if not isinstance(value, Tensor):
        if not isinstance(value, (bool, int, float, np.generic, np.ndarray)):
            raise TypeError(
                f"x[index] = value: the value is a number, an array or a tensor, "
                f"not {type(value).__name__}"
            )
        value = make(as_array(value).astype(x.dtype), False, None)
    write_at(x, place, value, "x[index] = value")


def write_at(x: Tensor, place: Place, value: Tensor, name: str) -> Tensor:
    """`value`, broadcast and cast, written to a place of `x`; recorded where needed."""
    recorded = is_recorded(x, value)
    if recorded:
        refuse_write(x, name)
        if not x.is_floating_point():
            raise RuntimeError(f"{name}: a gradient cannot pass through {x.dtype}")
    refuse_read_only(x, name)
    value = fitted(value.to(x.dtype) if recorded else value, place, x.data, name)
    if recorded:
        return become(x, Write.apply(x, value, place), name)
    place.write(x.data, value.data)
    x.mark_written(name)
    return x


def index_put(
    x: Tensor,
    indices: Sequence[Tensor | None],
    values: Tensor,
    accumulate: bool = False,
) -> Tensor:
    """`x` with `values` at x[indices], or added there. Repeated: the last, or all."""
    items = [slice(None) if i is None else i for i in indices]
    place = locate(x.data, tuple(items), "index_put")
    if values.dtype != x.dtype:
        raise RuntimeError(f"index_put: values of {values.dtype} into {x.dtype}")
    values = fitted(values, place, x.data, "index_put")
    if not accumulate:
        return Write.apply(x, values, place)
    shape = place_shape(place, x.data)
    return x + Spread.apply(values.expand(shape), place, x.shape)


index_put_ = in_place(index_put)


def fitted(value: Tensor, place: Place, array: Any, name: str) -> Tensor:
    """`value` without leading axes of 1 that the place lacks; it has to broadcast."""
    if value.ndim == 0:
        return value
    wanted = place_shape(place, array)
    shape = value.shape
    while len(shape) > len(wanted) and shape[0] == 1:
        shape = shape[1:]
    ends = wanted[len(wanted) - len(shape) :] if len(shape) <= len(wanted) else None
    if ends is None or any(a not in (1, b) for a, b in zip(shape, ends, strict=True)):
        raise RuntimeError(
            f"{name}: a value of shape {value.shape} does not broadcast to the place "
            f"of shape {wanted}"
        )
    return value if shape == value.shape else value.reshape(shape)


def place_shape(place: Place, array: Any) -> tuple[int, ...]:
    """The shape of what a place of `array` holds."""
    base = place.base(array)
    if place.index is None:
        return base.shape
    return array_module(array).broadcast_to(np.int8(0), base.shape)[place.index].shape


def locate(array: Any, index: Index, name: str = "index") -> Place:
    """The place that `index` names in `array`, with every number checked."""
    shape = array.shape
    items = _items(array, index, name)
    view: list = []
    advanced: list = []
    axis, integers = 0, False
    for item in _fill(items, shape, name):
        if item is None:
            view.append(None)
            advanced.append(slice(None))
        elif isinstance(item, bool):
            view.append(None)
            advanced.append(np.arange(int(item)))
        elif isinstance(item, slice):
            view.append(_checked_slice(item))
            advanced.append(slice(None))
            axis += 1
        elif isinstance(item, int):
            check_bounds(name, item, item, shape, axis)
            view.append(item)
            axis += 1
        else:
            _check_array(item, shape, axis, name)
            step = item.ndim if item.dtype.kind == "b" else 1
            integers = integers or item.dtype.kind != "b"
            view += [slice(None)] * step
            advanced.append(item)
            axis += step
    return _place(view, advanced, integers)


def _place(view: list, advanced: list, integers: bool) -> Place:
    key = (*view, ...)
    plain = all(isinstance(v, slice) and v == slice(None) for v in view)
    take = None if plain else lambda array: array[key]
    arrays = [a for a in advanced if not isinstance(a, slice)]
    if not arrays:
        return Place(take)
    if len(arrays) > 1 and any(a.dtype.kind == "b" for a in arrays):
        parts = [
            list(a.nonzero())
            if not isinstance(a, slice) and a.dtype.kind == "b"
            else [a]
            for a in advanced
        ]
        advanced = builtins.sum(parts, [])
    return Place(take, tuple(advanced), unique=not integers)


def _items(array: Any, index: Index, name: str) -> list:
    items = index if isinstance(index, tuple) else (index,)
    return [_item(array_module(array), item, name) for item in items]


def _item(xp: Any, item: Any, name: str) -> Any:
    if item is None or item is Ellipsis or isinstance(item, (bool, int, slice)):
        return item
    if isinstance(item, Tensor):
        item = item.data
    elif isinstance(item, (list, range)):
        item = xp.asarray(as_array(list(item)) if len(item) else EMPTY)
    elif isinstance(item, np.generic):
        item = np.asarray(item)
    if not hasattr(item, "dtype"):
        raise TypeError(
            f"{name}: an index is an integer, slice, None, Ellipsis, or an integer or "
            f"bool tensor, not {type(item).__name__}"
        )
    if item.dtype.kind != "b" and item.dtype not in (np.int64, np.int32):
        raise IndexError(
            f"{name}: index tensors are int64, int32 or bool, this one is "
            f"{item.dtype}; convert it with .long(), or .bool() for a mask"
        )
    return item.item() if item.ndim == 0 else item


def _fill(items: list, shape: tuple[int, ...], name: str) -> list:
    """`items` with Ellipsis and what is missing at the end as full slices."""
    used = 0
    for item in items:
        if hasattr(item, "dtype"):
            used += item.ndim if item.dtype.kind == "b" else 1
        elif item is not None and item is not Ellipsis and not isinstance(item, bool):
            used += 1
    dots = [i for i, item in enumerate(items) if item is Ellipsis]
    if used > len(shape) or len(dots) > 1:
        what = "more than one Ellipsis" if len(dots) > 1 else f"{used} axes are indexed"
        raise IndexError(f"{name}: {what} in a tensor of shape {shape}")
    missing = [slice(None)] * (len(shape) - used)
    if not dots:
        return items + missing
    return items[: dots[0]] + missing + items[dots[0] + 1 :]


def _checked_slice(item: slice) -> slice:
    if item.step is not None and item.step.__index__() < 1:
        raise ValueError(
            f"index: a slice has a step of at least 1, not {item.step}; "
            "to go backwards use flip()"
        )
    return item


def _check_array(item: Any, shape: tuple[int, ...], axis: int, name: str) -> None:
    if item.dtype.kind == "b":
        if item.shape != shape[axis : axis + item.ndim]:
            raise IndexError(
                f"{name}: a mask of shape {item.shape} at axis {axis} of a tensor of "
                f"shape {shape}: the sizes have to be the same"
            )
    elif item.size:
        check_bounds(name, int(item.min()), int(item.max()), shape, axis)


def check_bounds(
    name: str, low: int, high: int, shape: tuple[int, ...], axis: int
) -> None:
    """IndexError unless `low` to `high` are in the range of one axis."""
    size = shape[axis]
    if low < -size or high >= size:
        bad = low if low < -size else high
        raise IndexError(
            f"{name}: index {bad} is out of bounds for axis {axis} of size {size} "
            f"(shape {shape})"
        )
