"""The rule of each operation on single numbers, as every backend applies it.

Plain functions of floats that numba can compile too. Where Python would raise (1 / 0,
exp(1000), log(0)) they give what IEEE 754 says, as numpy and torch do.
"""

import math


EXP_LIMIT = 709.782712893384  # the largest x whose exp is a float
INFINITY = math.inf
NAN = math.nan


def identity(x: float) -> float:
    return x


def neg(x: float) -> float:
    return -x


def inv(x: float) -> float:
    """1 / x; one over zero is the infinity of its sign."""
    return 1.0 / x if x != 0.0 else math.copysign(INFINITY, x)


def exp(x: float) -> float:
    return INFINITY if x > EXP_LIMIT else math.exp(x)


def log(x: float) -> float:
    """Natural logarithm: minus infinity at zero, NaN below."""
    if x > 0.0:
        return math.log(x)
    return -INFINITY if x == 0.0 else NAN


def tanh(x: float) -> float:
    return math.tanh(x)


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), written so that exp never overflows."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def softplus(x: float) -> float:
    """log(1 + exp(x)), written so that exp never overflows."""
    if x > 0.0:
        return x + math.log1p(math.exp(-x))
    return math.log1p(math.exp(x))


def relu(x: float) -> float:
    return 0.0 if x <= 0.0 else x  # this way round NaN stays NaN


def add(x: float, y: float) -> float:
    return x + y


def sub(x: float, y: float) -> float:
    return x - y


def mul(x: float, y: float) -> float:
    return x * y


def div(x: float, y: float) -> float:
    if y != 0.0:
        return x / y
    if x == 0.0 or x != x:
        return NAN
    return math.copysign(1.0, x) * math.copysign(INFINITY, y)


def power(x: float, y: float) -> float:
    """x to the y: NaN for a negative base and a fractional exponent."""
    if y == 0.0 or x == 1.0:
        return 1.0
    if math.isnan(x) or math.isnan(y):
        return NAN
    whole = math.isinf(y) or y % 1.0 == 0.0
    if x < 0.0 and not math.isinf(x) and not whole:
        return NAN
    size = abs(x)
    odd = not math.isinf(y) and y % 2.0 == 1.0
    sign = math.copysign(1.0, x) if odd else 1.0
    if size == 0.0:
        return sign * INFINITY if y < 0.0 else sign * 0.0
    if y * math.log(size) > EXP_LIMIT:
        return sign * INFINITY
    return sign * size**y


def lt(x: float, y: float) -> float:
    return 1.0 if x < y else 0.0


def le(x: float, y: float) -> float:
    return 1.0 if x <= y else 0.0


def eq(x: float, y: float) -> float:
    return 1.0 if x == y else 0.0


def ne(x: float, y: float) -> float:
    return 1.0 if x != y else 0.0


def is_close(x: float, y: float) -> float:
    """|x - y| <= 1e-8 + 1e-5 |y|, as torch.isclose; equal infinities are close."""
    near = abs(x - y) <= 1e-8 + 1e-5 * abs(y) and not math.isinf(y)
    return 1.0 if x == y or near else 0.0


def maximum(x: float, y: float) -> float:
    """The larger; NaN if either is."""
    return x if x > y or x != x else y


def both(x: float, y: float) -> float:
    """1 if neither is zero: its reduction is `all`."""
    return 1.0 if x != 0.0 and y != 0.0 else 0.0


def relu_back(x: float, grad: float) -> float:
    """Zero at the kink, as torch has it."""
    return 0.0 if x <= 0.0 else grad


def inv_back(out: float, grad: float) -> float:
    return -grad * out * out


def tanh_back(out: float, grad: float) -> float:
    return grad * (1.0 - out * out)


def sigmoid_back(out: float, grad: float) -> float:
    return grad * out * (1.0 - out)
