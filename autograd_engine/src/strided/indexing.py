"""From index to position and back, the rules of broadcasting, and slices.

The first three functions are those of MiniTorch's second module and take arrays, one
number an axis. No backend calls them in a loop: `TensorData.positions` finds all
positions at once, and the tests prove that both agree.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from ..utils.contracts import contract


Shape = tuple[int, ...]


@contract
def index_to_position(
    index: Int[np.ndarray, " dims"], strides: Int[np.ndarray, " dims"]
) -> int:
    """The distance in storage from the first element: the dot product of both."""
    return int(np.dot(index, strides))


@contract
def to_index(
    position: int, shape: Int[np.ndarray, " dims"]
) -> Int[np.ndarray, " dims"]:
    """The index of the element number `position` in row-major order (last axis first).

    IndexError outside the tensor. The inverse of `index_to_position` with the strides
    of a contiguous tensor, and of no other.
    """
    size = int(np.prod(shape))
    if not 0 <= position < size:
        raise IndexError(
            f"to_index: position {position} is outside shape {_text(shape)}, "
            f"which has the positions 0 to {size - 1}"
        )
    index = np.zeros_like(shape)
    for axis in reversed(range(len(shape))):
        position, index[axis] = divmod(position, int(shape[axis]))
    return index


@contract
def broadcast_index(
    index: Int[np.ndarray, " dims"], shape: Int[np.ndarray, " fewer"]
) -> Int[np.ndarray, " fewer"]:
    """The index in a tensor of `shape` that the index in the broadcast shape reads.

    Axes are matched from the right; an axis of size 1 is always read at 0.
    """
    if len(shape) > len(index):
        raise IndexError(
            f"broadcast_index: an index of {len(index)} axes cannot read shape "
            f"{_text(shape)} of {len(shape)}"
        )
    return np.where(shape == 1, 0, index[len(index) - len(shape) :])


def shape_broadcast(first: Sequence[int], second: Sequence[int], op: str) -> Shape:
    """The shape of both together: equal sizes, or one of them 1, from the right.

    RuntimeError names both shapes and the axis; `op` is the operation it names.
    """
    a, b = tuple(first), tuple(second)
    merged = []
    for axis, (x, y) in enumerate(
        itertools.zip_longest(reversed(a), reversed(b), fillvalue=1), start=1
    ):
        if x != y and 1 not in (x, y):
            raise RuntimeError(
                f"{op}: shapes {a} and {b} do not broadcast: axis -{axis} has sizes "
                f"{x} and {y}, which must be equal or one of them 1"
            )
        merged.append(y if x == 1 else x)
    return tuple(reversed(merged))


def strides_of(shape: Sequence[int]) -> Shape:
    """The strides of a contiguous tensor: the product of the sizes to the right."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def check_dim(dim: int, ndim: int, op: str) -> int:
    """The axis counted from the left; IndexError if there is none such."""
    if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)):
        raise TypeError(f"{op}: dim is {dim!r}, which is not an int")
    if not -ndim <= dim < ndim:
        allowed = f"{-ndim} to {ndim - 1}" if ndim else "none"
        raise IndexError(
            f"{op}: dim {dim} is outside a tensor of {ndim} axes (allowed: {allowed})"
        )
    return int(dim) % ndim


def select(
    index: Any, shape: Shape, strides: Shape, offset: int
) -> tuple[Shape, Shape, int]:
    """Shape, strides and offset of the part that a basic index picks.

    An int drops its axis and may count from the end, a slice keeps it, `...` stands for
    the axes left over, None adds an axis of size 1.
    """
    items = index if isinstance(index, tuple) else (index,)
    items = _fill(items, shape)
    new_shape, new_strides, axis = [], [], 0
    for item in items:
        if item is None:
            new_shape.append(1)
            new_strides.append(0)
            continue
        size, stride = shape[axis], strides[axis]
        if isinstance(item, slice):
            steps = _range(item, size)
            offset += steps.start * stride if len(steps) else 0
            new_shape.append(len(steps))
            new_strides.append(steps.step * stride)
        else:
            offset += _whole(item, size, axis, shape) * stride
        axis += 1
    return tuple(new_shape), tuple(new_strides), offset


def _fill(items: tuple, shape: Shape) -> tuple:
    """The index with `...` written out, and full slices for the axes not named."""
    for item in items:
        plain = item is None or item is Ellipsis or isinstance(item, slice)
        number = isinstance(item, (int, np.integer)) and not isinstance(item, bool)
        if not (plain or number):
            raise NotImplementedError(
                f"an index of {type(item).__name__} is not offered at this level: "
                "use ints, slices, ... and None, or the engine's Tensor"
            )
    named = sum(item is not None and item is not Ellipsis for item in items)
    dots = sum(item is Ellipsis for item in items)
    if named > len(shape) or dots > 1:
        raise IndexError(
            f"index {items} has {named} axes and {dots} ellipses; shape {shape} allows "
            f"at most {len(shape)} and 1"
        )
    place = next((i for i, item in enumerate(items) if item is Ellipsis), len(items))
    rest = (slice(None),) * (len(shape) - named)
    return items[:place] + rest + items[place + 1 :]


def _range(item: slice, size: int) -> range:
    if item.step is not None and item.step < 1:
        raise ValueError(f"slice step {item.step} must be 1 or more")
    return range(*item.indices(size))


def _whole(item: int, size: int, axis: int, shape: Shape) -> int:
    if not -size <= item < size:
        allowed = f"{-size} to {size - 1}" if size else "none"
        raise IndexError(
            f"index {item} is outside axis {axis} of shape {shape} (allowed: {allowed})"
        )
    return int(item) % size


def _text(shape: np.ndarray) -> str:
    return str(tuple(shape.tolist()))
