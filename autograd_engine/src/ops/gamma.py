"""log |Gamma| and its derivatives, the polygamma functions."""

import math
from functools import cache
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .rules import ARRAYS, unary


# Lanczos' series for g = 7 with nine terms (Godfrey's coefficients), good to 1e-15.
LANCZOS = (
    0.99999999999980993,
    676.5203681218851,
    -1259.1392167224028,
    771.32342877765313,
    -176.61502916214059,
    12.507343278686905,
    -0.13857109526572012,
    9.9843695780195716e-6,
    1.5056327351493116e-7,
)
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)


def lgamma_array(x):
    """log |Gamma(x)|; below 1/2 by Gamma(x) Gamma(1 - x) = pi / sin(pi x)."""
    wide = x.astype(np.float64)
    z = np.where(wide < 0.5, 1 - wide, wide) - 1
    series = LANCZOS[0]
    for i, c in enumerate(LANCZOS[1:], 1):
        series = series + c / (z + i)
    t = z + 7.5
    out = 0.5 * math.log(2 * math.pi) + (z + 0.5) * np.log(t) - t + np.log(series)
    out = np.where(np.isinf(z), np.inf, out)
    sine = np.abs(np.sin(np.pi * (wide - np.round(wide))))
    mirrored = math.log(math.pi) - np.log(sine) - out
    out = np.where(wide < 0.5, mirrored, out)
    return np.where(wide == -np.inf, np.inf, out).astype(x.dtype)


def digamma_array(x):
    """The derivative of lgamma: up to x >= 10 by steps of 1, then Stirling's series."""
    wide = x.astype(np.float64)
    mirror = wide < 0
    z = np.where(mirror, 1 - wide, wide)
    out = np.zeros_like(z)
    for _ in range(10):
        out = out - np.where(z < 10, 1 / z, 0)
        z = np.where(z < 10, z + 1, z)
    out = out + np.log(z) - 0.5 / z
    for k, b in enumerate(BERNOULLI, 1):
        out = out - b / (2 * k) * z ** (-2.0 * k)
    out = np.where(mirror, out - np.pi / np.tan(np.pi * (wide - np.round(wide))), out)
    out = np.where(mirror & (wide == np.round(wide)), np.nan, out)
    return np.where(wide == 0, np.copysign(np.inf, -wide), out).astype(x.dtype)


def polygamma_array(n: int, x: Any) -> Any:
    """(-1)^(n+1) n! times the sum over k of (x + k)^-(n+1), by Euler-Maclaurin."""
    wide = x.astype(np.float64)
    s, mirror = n + 1.0, (wide < 0.5) & (n == 1)
    z = np.where(mirror, 1 - wide, wide)
    total = np.zeros_like(z)
    lowest = float(np.where(z < 0, z, 0).min()) if z.size else 0.0
    steps = 12 + int(min(200.0, -lowest))
    for k in range(steps):
        total = total + (z + k) ** -s
    z = z + steps
    total = total + z ** (1 - s) / (s - 1) + 0.5 * z**-s
    factor = s
    for k, b in enumerate(BERNOULLI, 1):
        total = total + b / math.factorial(2 * k) * factor * z ** (1 - s - 2 * k)
        factor *= (s + 2 * k - 1) * (s + 2 * k)
    out = (-1) ** (n + 1) * math.factorial(n) * total
    if n == 1:
        out = np.where(mirror, (np.pi / np.sin(np.pi * wide)) ** 2 - out, out)
    else:
        out = np.where(wide < -200, np.nan, out)
    return out.astype(x.dtype)


def polygamma(n: int, x: Tensor) -> Tensor:
    """The n-th derivative of digamma; NaN below -200 from n = 2 on."""
    if n < 0:
        raise RuntimeError(f"polygamma: n={n} is negative")
    return digamma(x) if n == 0 else _polygamma(n)(x)


@cache
def _polygamma(n: int) -> Any:
    return unary(f"polygamma_{n}", lambda x: polygamma_array(n, x), _slope(n))


def _slope(n: int) -> Any:
    def rule(g, x, m):
        return g * (polygamma_array(n + 1, x) if m is ARRAYS else polygamma(n + 1, x))

    return rule


lgamma = unary("lgamma", lgamma_array, lambda g, x, m: g * m.digamma(x))
digamma = unary("digamma", digamma_array, _slope(0))
