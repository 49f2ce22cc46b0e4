"""Powers and roots."""

from typing import Any

import numpy as np

from ..engine.dtypes import float64, scalar_dtype, weak_promote
from ..engine.function import Function
from ..engine.grad_mode import is_grad_enabled
from ..engine.tensor import Tensor
from .rules import TENSORS, binary, fitting, quiet, unary, whole


sqrt = unary("sqrt", np.sqrt, lambda g, out: g / (2 * out))
rsqrt = unary(
    "rsqrt", lambda x: 1 / np.sqrt(x), lambda g, out: g * (out * out * out) * -0.5
)
reciprocal = unary("reciprocal", np.reciprocal, lambda g, out: -g * out * out)
# The length of a vector has no derivative at 0; 0 is one of its subgradients.
root = unary(
    "root", np.sqrt, lambda g, out, m: g / (2 * m.where(out == 0, np.inf, out))
)
square = unary("square", np.square, lambda g, x: 2 * g * x, "iuf")
hypot = binary(
    "hypot",
    np.hypot,
    lambda g, x, out: g * (x / out),
    lambda g, y, out: g * (y / out),
    kinds="f",
)


class Power(Function):
    """x to the power of a number; at the power 0 the derivative is 0, also at x = 0."""

    @staticmethod
    @quiet
    def forward(ctx: Function, x: Tensor, exponent: float) -> np.ndarray:
        ctx.exponent = exponent
        ctx.save_for_backward(x)
        return _powered(x.data, exponent)

    @staticmethod
    @quiet
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        e = ctx.exponent
        if e == 0:
            return TENSORS.zeros_like(grad), None
        if is_grad_enabled():
            return grad * (e * pow(x, e - 1)), None
        return whole(grad.data * (_powered(x.data, e - 1) * e)), None


_power = binary(
    "power",
    lambda x, y: np.power(x, y) if x.dtype.kind == "f" else _integer_power(x, y),
    lambda g, x, y, m: g * m.where(y == 0, 0, y * m.power(x, y - 1)),
    lambda g, x, y, out, m: g * m.where((x == 0) & (y >= 0), 0, out * m.log(x)),
    kinds="iuf",
)


def pow(x: Tensor | float, exponent: Tensor | float) -> Tensor:
    """x ** exponent; one of them may be a number."""
    if isinstance(exponent, Tensor) or not isinstance(x, Tensor):
        return _power(x, exponent)
    dtype = weak_promote(x.dtype, scalar_dtype(exponent))
    if dtype.kind != "f" and exponent < 0:
        raise RuntimeError("pow: integers to a negative integer power are no integers")
    exponent = float(exponent) if dtype.kind == "f" else int(exponent)
    return Power.apply(*fitting("pow", "iuf", x.to(dtype)), exponent)


def float_power(x: Tensor | float, exponent: Tensor | float) -> Tensor:
    """x ** exponent in float64."""
    return pow(
        *(v.to(float64) if isinstance(v, Tensor) else float(v) for v in (x, exponent))
    )


def _powered(x: Any, exponent: float) -> Any:
    """np.power, by products where they are quicker."""
    if exponent == 2:
        return x * x
    if exponent == 3:
        return x * x * x
    if exponent == 0.5:
        return np.sqrt(x)
    if exponent == 1:
        return x.copy()
    return np.power(x, exponent)


def _integer_power(x: Any, y: Any) -> Any:
    """Integers: a negative power of 1 and -1 is whole, of all others it is 0."""
    if y.dtype.kind == "u" or (y >= 0).all():
        return np.power(x, y)
    inverse = np.where(x == -1, np.where(y % 2, -1, 1), x == 1)
    return np.where(y < 0, inverse, np.power(x, np.maximum(y, 0))).astype(x.dtype)
