"""What the hand-derived operations share: pieces that stay in the cache, checks."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import is_floating
from ..engine.tensor import Tensor, make
from .rules import whole


PIECE = 65536  # elements: three or four arrays of this length fit a core's L2 cache


def pieces(array: Any) -> Iterator[slice]:
    """Slices of a flat array short enough to stay in the cache; one slice on a GPU."""
    size = array.size
    if not isinstance(array, np.ndarray) or size <= PIECE:
        yield slice(0, size)
        return
    for start in range(0, size, PIECE):
        yield slice(start, start + PIECE)


def mapped(rule: Callable, arrays: tuple, options: tuple) -> Any:
    """A fresh array that `rule(*pieces, out, *options)` fills piece by piece."""
    xp = array_module(arrays[0])
    out = xp.empty(arrays[0].shape, arrays[0].dtype)
    flats, flat = [a.reshape(-1) for a in arrays], out.reshape(-1)
    for piece in pieces(flat):
        rule(*[f[piece] for f in flats], flat[piece], *options)
    return out


def constant(array: Any) -> Tensor:
    """A tensor without history around `array`."""
    return make(whole(array), False, None)


def want_floating(name: str, x: Tensor) -> None:
    """RuntimeError for integers, where an operation knows only floats."""
    if not is_floating(x.data.dtype):
        raise RuntimeError(
            f'"{name}" is not implemented for {x.dtype}: convert it with .float()'
        )


def want_same_dtype(name: str, *tensors: Tensor | None) -> None:
    """RuntimeError where two floating dtypes meet that the caller should match."""
    dtypes = [t.data.dtype for t in tensors if t is not None]
    if any(d != dtypes[0] for d in dtypes):
        told = ", ".join(str(d) for d in dtypes)
        raise RuntimeError(f"{name}: inputs of one dtype are wanted, got {told}")


def refuse(name: str, **options: Any) -> None:
    """NotImplementedError naming the first option that was asked for."""
    for option, value in options.items():
        if value not in (None, False):
            raise NotImplementedError(f"{name}: {option}={value!r} is not supported")


def piecewise_linear(value: Callable, slope: Callable) -> Callable:
    """The `plain` form of an operation made of lines: constants times the input."""

    def plain(x: Tensor, *options: Any) -> Tensor:
        xp = array_module(x.data)
        inclination = mapped(slope, (x.data, xp.ones_like(x.data)), options)
        height = mapped(value, (x.data,), options) - inclination * x.data
        return x * constant(inclination) + constant(xp.nan_to_num(height))

    return plain
