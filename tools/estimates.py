"""How large a difference is: intervals, and effect sizes without a unit."""

import math
from collections.abc import Sequence

import numpy as np

from tools.distributions import f_quantile, normal_cdf, normal_quantile, t_quantile
from tools.statistical_tests import RESAMPLES, ROUNDING, finite


def t_interval(
    estimate: float, error: float, df: float, confidence: float = 0.95
) -> tuple[float, float]:
    """estimate -+ t_{(1+confidence)/2, df} * standard error."""
    half = t_quantile((1 + confidence) / 2, df) * error
    return estimate - half, estimate + half


def five_by_two_interval(
    differences: Sequence[Sequence[float]], confidence: float = 0.95
) -> tuple[float, float]:
    """The shifts c for which `five_by_two_f` of d - c does not reject.

    sum (d - m)^2 + 10 (m - c)^2 <= 2 F sum_i s_i^2, around the mean m of all ten.
    Repetitions that are much farther apart than their folds leave no c: NaN.
    """
    d = finite(differences)
    within = float(((d - d.mean(1, keepdims=True)) ** 2).sum())
    mean, spread = float(d.mean()), float(((d - d.mean()) ** 2).sum())
    left = 2 * f_quantile(confidence, 10, 5) * within - spread
    half = math.sqrt(left / 10) if left >= 0 else math.nan
    return mean - half, mean + half


def bootstrap_means(sample: Sequence[float], seed: int = 0) -> np.ndarray:
    """Means of `RESAMPLES` samples that are drawn with replacement."""
    x, rng = finite(sample), np.random.default_rng(seed)
    rows = max(1, 2**20 // len(x))  # at a time, so that memory stays small
    sizes = [min(rows, RESAMPLES - start) for start in range(0, RESAMPLES, rows)]
    parts = [x[rng.integers(0, len(x), (size, len(x)))].mean(1) for size in sizes]
    return np.concatenate(parts)


def bca_interval(
    replicates: np.ndarray, *samples: Sequence[float], confidence: float = 0.95
) -> tuple[float, float]:
    """Bias-corrected and accelerated (Efron & Tibshirani 1993, eq. 14.10 to 14.15).

    Of mean(sample) or mean(second) - mean(first), from bootstrap `replicates` of it.
    z0 = quantile(share of replicates below the estimate), where an equal one counts
    half; the acceleration a comes from leaving out each value in turn; the ends are the
    replicates at normal_cdf(z0 + (z0 + z) / (1 - a (z0 + z))). Replicates that are all
    equal are both ends.
    """
    parts = [finite(sample) for sample in samples]
    signs = (1,) if len(parts) == 1 else (-1, 1)
    estimate = sum(s * float(x.mean()) for s, x in zip(signs, parts, strict=True))
    if min(map(len, parts)) < 2:
        return math.nan, math.nan
    near = ROUNDING * max(float(abs(x).max()) for x in parts)
    if np.ptp(replicates) <= near:
        return estimate, estimate
    equal = abs(replicates - estimate) <= near
    below = (replicates < estimate) & ~equal
    z0 = normal_quantile(float(below.sum() + equal.sum() / 2) / len(replicates))
    # Without x_i the mean moves by (mean - x_i) / (n - 1): (n - 1) times that is U_i.
    moves = [s * (x - x.mean()) / len(x) for s, x in zip(signs, parts, strict=True)]
    cubes, squares = (float(sum((u**k).sum() for u in moves)) for k in (3, 2))
    a = cubes / squares**1.5 / 6
    z = np.array([-1, 1]) * normal_quantile((1 + confidence) / 2) + z0
    ends = [normal_cdf(float(z0 + one / (1 - a * one))) for one in z]
    low, high = np.quantile(replicates, ends)
    return float(low), float(high)


def cohen_dz(differences: Sequence[float]) -> float:
    """mean(d) / sd(d) of paired differences (Cohen 1988, section 2.3.5)."""
    d = finite(differences)
    return _ratio(float(d.mean()), float(d.std(ddof=1))) if len(d) > 1 else math.nan


def hedges_g(a: Sequence[float], b: Sequence[float]) -> float:
    """J (mean b - mean a) / s (Hedges 1981), s^2 the pooled variance of m degrees.

    J = Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2)) takes away the bias of few values.
    """
    a, b = finite(a), finite(b)
    m = len(a) + len(b) - 2
    if min(len(a), len(b)) < 2:
        return math.nan
    spread = math.sqrt((a.var() * len(a) + b.var() * len(b)) / m)
    j = math.exp(math.lgamma(m / 2) - math.lgamma((m - 1) / 2)) / math.sqrt(m / 2)
    return j * _ratio(float(b.mean() - a.mean()), spread)


def cliffs_delta(a: Sequence[float], b: Sequence[float]) -> float:
    """P(b > a) - P(b < a) over all pairs of one value each (Cliff 1993)."""
    a, b = np.sort(finite(a)), finite(b)
    if not (len(a) and len(b)):
        return math.nan
    above = np.searchsorted(a, b, "left").sum()
    below = (len(a) - np.searchsorted(a, b, "right")).sum()
    return float(above - below) / (len(a) * len(b))


def _ratio(mean: float, spread: float) -> float:
    return mean / spread if spread > ROUNDING * abs(mean) else math.nan
