"""What occurs, how often and where: unique, bincount, searchsorted, one_hot ..."""

from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import is_floating
from ..engine.grad_mode import is_grad_enabled
from ..engine.tensor import Tensor, make
from .reductions import normalize_dim
from .scatter import integer_index


def unique(
    x: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different values (or slices of `dim`), sorted; without gradient.

    With flags a tuple: (values, for each element the index of its value, counts).
    """
    _without_gradient("unique", x)
    axis = None if dim is None else normalize_dim("unique", dim, x.ndim)
    values, inverse, counts = array_module(x.data).unique(
        x.data, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    inverse = inverse.reshape(x.shape if axis is None else -1)
    return _asked(values, inverse, counts, return_inverse, return_counts)


def unique_consecutive(
    x: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Each run of equal values once, in the order of `x`; without gradient."""
    _without_gradient("unique_consecutive", x)
    xp = array_module(x.data)
    axis = 0 if dim is None else normalize_dim("unique_consecutive", dim, x.ndim)
    lines = x.data.reshape(-1) if dim is None else xp.moveaxis(x.data, axis, 0)
    flat = lines.reshape(len(lines), -1) if lines.size else lines.reshape(len(lines), 0)
    starts = xp.ones(len(flat), bool)
    starts[1:] = (flat[1:] != flat[:-1]).any(1)
    where = starts.nonzero()[0]
    values = xp.moveaxis(lines[where], 0, axis)
    counts = xp.diff(xp.append(where, len(flat)))
    inverse = starts.cumsum() - 1
    inverse = inverse.reshape(x.shape) if dim is None else inverse
    return _asked(values, inverse, counts, return_inverse, return_counts)


def bincount(x: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2 ... occurs, or the sum of its weights."""
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.data < 0).any():
        raise RuntimeError(
            f"bincount: a vector of integers from 0, not {x.dtype} of shape {x.shape}"
        )
    if weights is None:
        return Tensor(array_module(x.data).bincount(x.data, None, minlength))
    _without_gradient("bincount", weights)
    if weights.shape != x.shape:
        raise RuntimeError(f"bincount: shapes {x.shape} and {weights.shape} differ")
    counts = array_module(x.data).bincount(x.data, weights.data, minlength)
    return Tensor(counts, np.float32 if weights.dtype == np.float32 else np.float64)


def histc(x: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Counts in `bins` equal parts of [min, max], or of x where both are 0."""
    _without_gradient("histc", x)
    if bins < 1 or min > max or not is_floating(x.dtype):
        raise RuntimeError(f"histc: {bins} bins from {min} to {max} of {x.dtype}")
    low, high = (min, max) if min != max else _range(x.data, min)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"histc: the range {low} to {high} is not finite")
    low, high = (low - 1, high + 1) if low == high else (low, high)
    values = x.data.reshape(-1)
    values = values[(values >= low) & (values <= high)]
    part = ((values - low) * bins / (high - low)).astype(np.int64)
    part = array_module(part).minimum(part, bins - 1)
    return Tensor(array_module(part).bincount(part, minlength=bins), x.dtype)


def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | float,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where each value goes in along the last axis so that the order holds."""
    if side not in (None, "left", "right") or (right and side == "left"):
        raise RuntimeError(f"searchsorted: right={right} with side={side!r}")
    edges = sorted_sequence.data
    xp = array_module(edges)
    if sorter is not None:
        edges = xp.take_along_axis(
            edges, integer_index("searchsorted", sorter).data, -1
        )
    values = input.data if isinstance(input, Tensor) else xp.asarray(input)
    side = "right" if right or side == "right" else "left"
    dtype = np.int32 if out_int32 else np.int64
    if edges.ndim == 1:
        return Tensor(xp.asarray(xp.searchsorted(edges, values, side)), dtype)
    if edges.shape[:-1] != values.shape[:-1] or edges.ndim == 0:
        raise RuntimeError(
            f"searchsorted: sequences of shape {edges.shape} for values of shape "
            f"{values.shape}: all axes but the last have to be the same"
        )
    found = xp.zeros(values.shape, dtype)
    for place in np.ndindex(*edges.shape[:-1]):
        found[place] = xp.searchsorted(edges[place], values[place], side)
    return Tensor(found)


def bucketize(
    input: Tensor | float,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
) -> Tensor:
    """For each value the number of boundaries below it (`right`: or equal to it)."""
    if boundaries.ndim != 1:
        raise RuntimeError(
            f"bucketize: boundaries of shape {boundaries.shape}: a vector"
        )
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """A last axis of `num_classes` (-1: the largest + 1): 1 at the number."""
    array = tensor.data
    if tensor.dtype != np.int64:
        raise RuntimeError(f"one_hot: class numbers are int64, not {tensor.dtype}")
    if array.size == 0 and num_classes < 1:
        raise RuntimeError("one_hot: num_classes cannot be told from an empty tensor")
    classes = int(array.max()) + 1 if num_classes == -1 else num_classes
    if array.size and (array.min() < 0 or array.max() >= classes):
        bad = int(array.min() if array.min() < 0 else array.max())
        raise RuntimeError(
            f"one_hot: class {bad}, but the classes are 0 to {classes - 1}"
        )
    xp = array_module(array)
    out = xp.zeros((array.size, classes), np.int64)
    out[xp.arange(array.size), array.reshape(-1)] = 1
    return make(out.reshape(*array.shape, classes), False, None)


def _asked(
    values: Any, inverse: Any, counts: Any, with_inverse: bool, with_counts: bool
):
    out = [Tensor(values)]
    if with_inverse:
        out.append(Tensor(inverse, np.int64))
    if with_counts:
        out.append(Tensor(counts, np.int64))
    return out[0] if len(out) == 1 else tuple(out)


def _range(array: Any, otherwise: float) -> tuple[float, float]:
    return (array.min().item(), array.max().item()) if array.size else (otherwise,) * 2


def _without_gradient(name: str, x: Tensor) -> None:
    if x.requires_grad and is_grad_enabled():
        raise NotImplementedError(
            f"{name}: no gradient passes through it; use detach() on its input"
        )
