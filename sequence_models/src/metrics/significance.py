"""Is the difference of two models real? Tests of runs that are paired by their seed.

Two runs of one seed saw the same samples in the same order, so that the differences of
the pairs vary less than the runs. Numbers in, numbers out: no tensors, no scipy.
"""

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple


EXACT_UP_TO = 20
"""Pairs of which the sign-flip test looks at every choice of signs, 2^20 at most."""


class PairedT(NamedTuple):
    difference: float
    """Mean of a - b."""
    low: float
    """Ends of its 95 % interval."""
    high: float
    t: float
    p: float
    """Chance of a |t| as large, or larger, if the mean difference is zero."""


def paired_t(a: Sequence[float], b: Sequence[float]) -> PairedT:
    """Student's t-test (1908) of paired values, two-sided, with n - 1 degrees.

    t = mean(d) / (sd(d) / n^0.5) of the differences d = a - b. All of them equal: p is
    0, or 1 where they are zero. Raises ValueError for fewer than 2 pairs.
    """
    d = _differences(a, b)
    if len(d) < 2:
        raise ValueError(f"{len(d)} pairs: a t-test needs at least 2")
    mean, error = statistics.fmean(d), statistics.stdev(d) / math.sqrt(len(d))
    if error == 0:
        t = math.copysign(math.inf, mean) if mean else 0.0
        return PairedT(mean, mean, mean, t, 0.0 if mean else 1.0)
    t, half = mean / error, t_quantile(0.95, len(d) - 1) * error
    return PairedT(mean, mean - half, mean + half, t, t_p(t, len(d) - 1))


def sign_flip(a: Sequence[float], b: Sequence[float]) -> float:
    """Exact permutation test of paired values, two-sided (Fisher 1935, section 21).

    If a and b are alike, each difference could as well have the other sign: p is the
    share of the 2^n choices of signs whose |sum| reaches the one observed. It assumes
    no shape of the distribution, and cannot fall below 2 / 2^n.
    """
    d = _differences(a, b)
    if not 1 <= len(d) <= EXACT_UP_TO:
        raise ValueError(f"{len(d)} pairs: the exact test takes 1 to {EXACT_UP_TO}")
    # Sums of the same numbers in another order differ in their last bits.
    reached = abs(math.fsum(d)) - 1e-12 * math.fsum(map(abs, d))
    sums = [0.0]
    for x in d[1:]:  # the sign of the first may be fixed: |sum| is that of all reversed
        sums = [s + sign * x for s, sign in itertools.product(sums, (1, -1))]
    return sum(abs(d[0] + s) >= reached for s in sums) / len(sums)


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values of a family of tests (Holm 1979), in the order given.

    To call those below 0.05 significant is wrong anywhere in the family in at most 5 %
    of cases. The smallest is multiplied by the number of tests, the next by one less.
    """
    adjusted, highest = [0.0] * len(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = highest
    return adjusted


def t_p(t: float, degrees: float) -> float:
    """Chance that |T| >= |t|: I_x(n / 2, 1 / 2), x = n / (n + t^2), n the degrees."""
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def t_quantile(confidence: float, degrees: float) -> float:
    """The t with P(|T| < t) = confidence, by bisection."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence = {confidence}: must be in (0, 1)")
    low, high = 0.0, 1.0
    while t_p(high, degrees) > 1 - confidence:
        high *= 2
    while high - low > 1e-14 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if t_p(middle, degrees) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), regularised, by its continued fraction (Abramowitz & Stegun 26.5.8).

    x^a (1 - x)^b / (a B(a, b)) * 1 / (1 + d1 / (1 + d2 / (1 + ...))), which converges
    fast below the mean of the distribution; above, I_x(a, b) = 1 - I_(1 - x)(b, a).
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(b, a, 1 - x)
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta) / a
    fraction = 1.0
    for n in range(400, 0, -1):  # from the inside out
        m = n // 2
        over = -(a + m) * (a + b + m) if n % 2 else m * (b - m)
        fraction = 1.0 + over * x / ((a + n - 1) * (a + n)) / fraction
    return front / fraction


def _differences(a: Sequence[float], b: Sequence[float]) -> list[float]:
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} values are not paired")
    d = [x - y for x, y in zip(a, b, strict=True)]
    if not all(map(math.isfinite, d)):
        raise ValueError(f"differences {d}: must be finite")
    return d
