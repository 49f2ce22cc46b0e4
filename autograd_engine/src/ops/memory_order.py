"""Memory in which the batch comes last, as convolutions leave it, seen as rows.

The shape of a tensor stays (batch, channel, *sizes); its memory may have the order
(channel, *sizes, batch), and then each channel is one row.
"""

import math
from typing import Any

from ..engine.backend import array_module


def moved(array: Any) -> Any:
    """A view with the batch as the last axis."""
    return array.transpose(*range(1, array.ndim), 0)


def array_last(array: Any) -> Any:
    """The same, contiguous: no copy where the memory has this order."""
    return array_module(array).ascontiguousarray(moved(array))


def array_first(array: Any) -> Any:
    """A view of (channel, *sizes, batch) as (batch, channel, *sizes)."""
    return array.transpose(array.ndim - 1, *range(array.ndim - 1))


def channel_rows(array: Any) -> Any:
    """(batch, channel, positions), or (1, channel, positions * batch): views."""
    if array.ndim > 2 and len(array) > 1 and moved(array).flags.c_contiguous:
        return moved(array).reshape(1, array.shape[1], array.size // array.shape[1])
    return array.reshape(*array.shape[:2], math.prod(array.shape[2:]))


def like_rows(array: Any, rows: Any) -> Any:
    """`array` in the form that `channel_rows` gave another array of its shape."""
    if len(rows) != len(array):
        return moved(array).reshape(rows.shape)
    return array.reshape(rows.shape)


def from_rows(rows: Any, shape: tuple[int, ...]) -> Any:
    """An array of `shape` around rows of this form."""
    if len(rows) != shape[0]:
        return array_first(rows.reshape(*shape[1:], shape[0]))
    return rows.reshape(shape)
