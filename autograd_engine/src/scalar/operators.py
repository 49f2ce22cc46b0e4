"""Operators on floats, their derivatives, and three functions of functions.

The list is that of MiniTorch's module 0. `f_back(x, d)` is the chain rule for `f`: the
derivative f'(x) times `d`, the derivative of what follows. Every operator follows IEEE
754 as torch does, where Python's own raise: 1/0 is inf, 0/0 nan, log(0) -inf, log(-1)
nan, exp(1000) inf. Import the module, not its names: some hide Python's own.
"""

import math
from collections.abc import Callable, Iterable


def mul(x: float, y: float) -> float:
    """x y"""
    return x * y


def id(x: float) -> float:
    """x"""
    return x


def add(x: float, y: float) -> float:
    """x + y"""
    return x + y


def neg(x: float) -> float:
    """-x"""
    return -x


def lt(x: float, y: float) -> float:
    """1 if x < y else 0"""
    return 1.0 if x < y else 0.0


def eq(x: float, y: float) -> float:
    """1 if x = y else 0"""
    return 1.0 if x == y else 0.0


def max(x: float, y: float) -> float:
    """The larger of both; nan if either is, whichever comes first."""
    return x if x > y or x != x else y


def is_close(x: float, y: float, tolerance: float = 1e-2) -> bool:
    """|x - y| < tolerance"""
    return abs(x - y) < tolerance


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x), as e^x / (1 + e^x) where x < 0: no power of e is above 1."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    power = math.exp(x)
    return power / (1.0 + power)


def sigmoid_back(x: float, d: float) -> float:
    """s (1 - s) d with s = sigmoid(x)"""
    s = sigmoid(x)
    return s * (1.0 - s) * d


def tanh(x: float) -> float:
    """(e^x - e^-x) / (e^x + e^-x), 1 and -1 far from zero."""
    return math.tanh(x)


def tanh_back(x: float, d: float) -> float:
    """(1 - t^2) d with t = tanh(x)"""
    t = math.tanh(x)
    return (1.0 - t * t) * d


def relu(x: float) -> float:
    """x where x > 0, else 0; nan stays nan."""
    return 0.0 if x <= 0 else x


def relu_back(x: float, d: float) -> float:
    """d where x > 0, else 0: also at the kink, as in torch."""
    return 0.0 if x <= 0 else d


def softplus(x: float) -> float:
    """log(1 + e^x), as max(x, 0) + log(1 + e^-|x|): x and 0 far from zero."""
    return relu(x) + math.log1p(math.exp(-abs(x)))


def softplus_back(x: float, d: float) -> float:
    """sigmoid(x) d"""
    return sigmoid(x) * d


def log(x: float) -> float:
    """The natural logarithm; -inf at 0 and nan below."""
    if x > 0:
        return math.log(x)
    return -math.inf if x == 0 else math.nan


def log_back(x: float, d: float) -> float:
    """d / x"""
    return div(d, x)


def exp(x: float) -> float:
    """e^x, inf where a float ends (x > 709.78)."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def exp_back(x: float, d: float) -> float:
    """e^x d: the derivative of exp is its own output, not its input."""
    return exp(x) * d


def div(x: float, y: float) -> float:
    """x / y; over zero inf with the sign of the quotient, nan for 0 / 0."""
    try:
        return x / y
    except ZeroDivisionError:
        if x == 0 or x != x:
            return math.nan
        return math.copysign(math.inf, x) * math.copysign(1.0, y)


def div_back(x: float, y: float, d: float) -> tuple[float, float]:
    """d / y and -(x / y) d / y"""
    return div(d, y), -div(div(x, y), y) * d


def inv(x: float) -> float:
    """1 / x"""
    return div(1.0, x)


def inv_back(x: float, d: float) -> float:
    """-d / x^2"""
    return -div(1.0, x * x) * d


def pow(x: float, y: float) -> float:
    """x^y; inf where it is too large, nan for a root of a negative number."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and y % 2 == 1 else math.inf
    except ValueError:  # 0 to a negative power, or a negative base to a fraction
        if x != 0:
            return math.nan
        return math.copysign(math.inf, x) if y % 2 == 1 else math.inf


def pow_back(x: float, y: float, d: float) -> tuple[float, float]:
    """y x^(y-1) d and x^y log(x) d; 0 at y = 0 and at x = 0 <= y, as in torch."""
    by_base = 0.0 if y == 0 else y * pow(x, y - 1.0) * d
    by_exponent = 0.0 if x == 0 and y >= 0 else pow(x, y) * log(x) * d
    return by_base, by_exponent


def map(f: Callable[[float], float]) -> Callable[[Iterable[float]], list[float]]:
    """The function [x1, x2, ...] -> [f(x1), f(x2), ...]."""
    return lambda xs: [f(x) for x in xs]


def zip_with(
    f: Callable[[float, float], float],
) -> Callable[[Iterable[float], Iterable[float]], list[float]]:
    """The function [x1, ...], [y1, ...] -> [f(x1, y1), ...]; lists of one length."""

    def zipped(xs: Iterable[float], ys: Iterable[float]) -> list[float]:
        xs, ys = list(xs), list(ys)
        if len(xs) != len(ys):
            raise ValueError(
                f"zip_with: lists of {len(xs)} and {len(ys)} numbers; "
                "both need the same length"
            )
        return [f(x, y) for x, y in zip(xs, ys, strict=True)]

    return zipped


def reduce(
    f: Callable[[float, float], float], start: float
) -> Callable[[Iterable[float]], float]:
    """The function [x1, x2, ...] -> f(f(f(start, x1), x2), ...)."""

    def reduced(xs: Iterable[float]) -> float:
        result = start
        for x in xs:
            result = f(result, x)
        return result

    return reduced


def neg_list(xs: Iterable[float]) -> list[float]:
    """[-x1, -x2, ...]"""
    return map(neg)(xs)


def add_lists(xs: Iterable[float], ys: Iterable[float]) -> list[float]:
    """[x1 + y1, x2 + y2, ...]"""
    return zip_with(add)(xs, ys)


def sum(xs: Iterable[float]) -> float:
    """x1 + x2 + ..., 0 of an empty list."""
    return reduce(add, 0.0)(xs)


def prod(xs: Iterable[float]) -> float:
    """x1 x2 ..., 1 of an empty list."""
    return reduce(mul, 1.0)(xs)
