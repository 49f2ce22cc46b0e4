"""Student's t, F, the normal and the binomial distribution, on `math` alone.

The letters are those of the NIST Digital Library of Mathematical Functions (DLMF).
"""

import math
from collections.abc import Callable


TINY = 1e-300  # stands for a zero that would be divided by


def normal_cdf(z: float) -> float:
    """P(Z <= z) = erfc(-z / sqrt 2) / 2 (DLMF 7.17)."""
    return math.erfc(-z / math.sqrt(2)) / 2


def normal_quantile(p: float) -> float:
    """The z with P(Z <= z) = p; infinite at 0 and 1."""
    return _quantile(normal_cdf, p)


def t_cdf(t: float, df: float) -> float:
    """P(T <= t) for Student's t with `df` degrees of freedom."""
    tail = t_two_sided(t, df) / 2
    return tail if t < 0 else 1 - tail


def t_two_sided(t: float, df: float) -> float:
    """P(|T| >= |t|) = I_x(df/2, 1/2) with x = df / (df + t^2) (DLMF 8.17)."""
    if math.isnan(t) or not df > 0:
        return math.nan
    if math.isinf(t):
        return 0.0
    square = t * t
    return incomplete_beta(df / 2, 0.5, df / (df + square), square / (df + square))


def t_quantile(p: float, df: float) -> float:
    """The t with P(T <= t) = p; infinite at 0 and 1."""
    return _quantile(lambda t: t_cdf(t, df), p)


def f_tail(f: float, m: float, n: float) -> float:
    """P(F >= f) with m and n degrees of freedom: I_x(n/2, m/2), x = n / (n + m f)."""
    return incomplete_beta(n / 2, m / 2, n / (n + m * f), m * f / (n + m * f))


def f_quantile(p: float, m: float, n: float) -> float:
    """The f with P(F <= f) = p, by bisection of x = n / (n + m f)."""
    low, high = 0.0, 1.0
    while low < (x := (low + high) / 2) < high:
        low, high = (x, high) if incomplete_beta(n / 2, m / 2, x) < 1 - p else (low, x)
    return n * (1 - x) / (m * x)


def binomial_two_sided(k: int, n: int) -> float:
    """P of a count as far from n/2 as k, or farther, if both sides are as likely.

    2 * sum_{i <= min(k, n-k)} C(n, i) / 2^n, at most 1, in whole numbers.
    """
    term, total = 1, 1
    for i in range(min(k, n - k)):
        term = term * (n - i) // (i + 1)
        total += term
    return min(1.0, 2 * total / 2**n)


def incomplete_beta(a: float, b: float, x: float, y: float | None = None) -> float:
    """I_x(a, b), the regularised incomplete beta function (DLMF 8.17.2).

    `y` is 1 - x, for a caller who knows it more exactly than the subtraction gives it.
    The continued fraction (DLMF 8.17.22) is quick where x < (a+1) / (a+b+2); elsewhere
    I_x(a, b) = 1 - I_{1-x}(b, a).
    """
    y = 1 - x if y is None else y
    if x <= 0 or y <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, y, x)
    log_x = math.log(x) if x < 0.5 else math.log1p(-y)
    log_y = math.log(y) if y < 0.5 else math.log1p(-x)
    front = math.exp(a * log_x + b * log_y - log_beta(a, b)) / a
    return front * _fraction(a, b, x)


def log_beta(a: float, b: float) -> float:
    """log B(a, b) = log Gamma(a) + log Gamma(b) - log Gamma(a+b).

    Two large logarithms would cancel: from 20 on, Stirling's series (DLMF 5.11.1) is
    subtracted term by term.
    """
    a, b = max(a, b), min(a, b)
    if a < 20:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    ratio = b - (a - 0.5) * math.log1p(b / a) - b * math.log(a + b)
    return math.lgamma(b) + ratio + _stirling(a) - _stirling(a + b)


def _stirling(z: float) -> float:
    """log Gamma(z) - ((z - 1/2) log z - z + log(2 pi) / 2)."""
    terms = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
    return sum(term / z ** (2 * k + 1) for k, term in enumerate(terms))


def _fraction(a: float, b: float, x: float) -> float:
    """1 / (1 + d1 / (1 + d2 / (1 + ...))) of DLMF 8.17.22, by Lentz's method."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or TINY)
    value = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1 / (1 + step * d or TINY)
            c = 1 + step / c or TINY
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            return value
    raise ArithmeticError(f"incomplete_beta({a}, {b}, {x}) does not converge")


def _quantile(cdf: Callable[[float], float], p: float) -> float:
    """Where a distribution that is symmetric about 0 reaches p, by bisection.

    In the lower half, whose small probabilities are exact.
    """
    if not 0 <= p <= 1 or math.isnan(cdf(0.0)):
        return math.nan
    if p > 0.5:
        return -_quantile(cdf, 1 - p)
    if p == 0:
        return -math.inf
    low, high = -1.0, 0.0
    while cdf(low) > p:
        low *= 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if cdf(middle) < p else (low, middle)
    return middle
