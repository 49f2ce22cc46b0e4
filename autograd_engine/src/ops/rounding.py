"""Whole numbers, signs, degrees: steps, whose derivative is 0, and scalings."""

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .rules import flat, unary


def _whole(formula: Any, x: Any) -> Any:
    """Integers are whole already."""
    return formula(x) if x.dtype.kind == "f" else x.copy()


sign = unary(
    "sign",
    lambda x: (
        np.subtract(x > 0, x < 0, dtype=x.dtype, casting="unsafe")
        if x.dtype.kind != "b"
        else x.copy()
    ),
    flat,
    "biuf",
)
_round = unary("round", lambda x: _whole(np.rint, x), flat, "iuf")
floor = unary("floor", lambda x: _whole(np.floor, x), flat, "iuf")
ceil = unary("ceil", lambda x: _whole(np.ceil, x), flat, "iuf")
trunc = unary("trunc", lambda x: _whole(np.trunc, x), flat, "iuf")
frac = unary("frac", lambda x: x - np.trunc(x), lambda g: g, "f")
sgn = sign
deg2rad = unary("deg2rad", lambda x: x * (np.pi / 180), lambda g: g * (np.pi / 180))
rad2deg = unary("rad2deg", lambda x: x * (180 / np.pi), lambda g: g * (180 / np.pi))


def round(x: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number of so many decimals, halves to the even one."""
    if decimals == 0:
        return _round(x)
    if x.dtype.kind != "f":
        raise NotImplementedError(f"round: decimals of a tensor of dtype {x.dtype}")
    power = 10.0 ** max(decimals, -decimals)
    if decimals > 0:
        return _round(x * power) / power
    return _round(x / power) * power


fix = trunc
