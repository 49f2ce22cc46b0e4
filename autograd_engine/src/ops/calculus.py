"""Exponentials, logarithms, and the functions of the circle and the hyperbola."""

import math

import numpy as np

from ..engine.tensor import Tensor
from .rules import binary, unary


LN2, LN10 = math.log(2), math.log(10)


def _sigmoid(x):
    """1 / (1 + e^-x) in one buffer; e^-x may be inf, which gives 0."""
    out = np.negative(x, out=np.empty_like(x))
    np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)


def _size(x, y, m):
    """x^2 + y^2, and 1 at the origin, where the angle is given the derivative 0."""
    size = x * x + y * y
    return m.where(size == 0, 1, size)


exp = unary("exp", np.exp, lambda g, out: g * out)
exp2 = unary("exp2", np.exp2, lambda g, out: g * (out * LN2))
expm1 = unary("expm1", np.expm1, lambda g, out: g * (out + 1))
log = unary("log", np.log, lambda g, x: g / x)
log2 = unary("log2", np.log2, lambda g, x: g / (x * LN2))
log10 = unary("log10", np.log10, lambda g, x: g / (x * LN10))
log1p = unary("log1p", np.log1p, lambda g, x: g / (x + 1))

sin = unary("sin", np.sin, lambda g, x, m: g * m.cos(x))
cos = unary("cos", np.cos, lambda g, x, m: -g * m.sin(x))
tan = unary("tan", np.tan, lambda g, out: g * (1 + out * out))
asin = unary("asin", np.arcsin, lambda g, x, m: g * m.rsqrt(1 - x * x))
acos = unary("acos", np.arccos, lambda g, x, m: -g * m.rsqrt(1 - x * x))
atan = unary("atan", np.arctan, lambda g, x: g / (1 + x * x))
atan2 = binary(
    "atan2",
    np.arctan2,
    lambda g, x, y, m: g * y / _size(x, y, m),
    lambda g, x, y, m: -g * x / _size(x, y, m),
    kinds=None,
)

sinh = unary("sinh", np.sinh, lambda g, x, m: g * m.cosh(x))
cosh = unary("cosh", np.cosh, lambda g, x, m: g * m.sinh(x))
tanh = unary("tanh", np.tanh, lambda g, out: g * (1 - out * out))
asinh = unary("asinh", np.arcsinh, lambda g, x, m: g * m.rsqrt(x * x + 1))
acosh = unary("acosh", np.arccosh, lambda g, x, m: g * m.rsqrt(x * x - 1))
atanh = unary("atanh", np.arctanh, lambda g, x: g / (1 - x * x))

sigmoid = unary("sigmoid", _sigmoid, lambda g, out: g * (out * (1 - out)))
_logit = unary(
    "logit",
    lambda x: np.log(x / (1 - x)),
    lambda g, x, m: g / m.where((x < 0) | (x > 1), np.nan, x * (1 - x) + 0.0),
)
logaddexp = binary(
    "logaddexp",
    np.logaddexp,
    lambda g, x, y, m: g / (1 + m.exp(y - x)),
    lambda g, x, y, m: g / (1 + m.exp(x - y)),
    kinds="f",
)
logaddexp2 = binary(
    "logaddexp2",
    np.logaddexp2,
    lambda g, x, y, m: g / (1 + m.exp2(y - x)),
    lambda g, x, y, m: g / (1 + m.exp2(x - y)),
    kinds="f",
)
xlogy = binary(
    "xlogy",
    lambda x, y: np.where((x == 0) & ~np.isnan(y), 0, x * np.log(y)).astype(x.dtype),
    lambda g, x, y, m: g * m.where((x == 0) & (y <= 0), 0, m.log(y)),
    lambda g, x, y: g * x / y,
    kinds=None,
)


def logit(x: Tensor, eps: float | None = None) -> Tensor:
    """log(x / (1 - x)), of x held within [eps, 1 - eps] if `eps` is given."""
    if eps is None:
        return _logit(x)
    from .choices import clamp

    return _logit(clamp(x, eps, 1 - eps))


arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
