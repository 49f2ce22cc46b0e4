"""Tests of a difference for few numbers, each as its source writes it.

All p values are two-sided. What the data cannot answer (one value, no spread) is NaN.
Numbers that are not finite are refused: what to do with a run that diverged is not for
a formula to decide.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tools.distributions import (
    binomial_two_sided,
    f_tail,
    normal_cdf,
    t_two_sided,
)


RESAMPLES = 9_999  # of a bootstrap or of a permutation test that cannot list all
ENUMERATED = 2**17  # relabellings that are listed one by one
WILCOXON_EXACT = 500  # pairs up to which the distribution of ranks is computed
ROUNDING = 100 * np.finfo(float).eps  # relative: sums in another order are still equal


class Tested(NamedTuple):
    statistic: float
    p: float
    df: float = math.nan  # degrees of freedom of t,
    error: float = math.nan  # and the standard error below it


def paired_t(differences: Sequence[float]) -> Tested:
    """t = mean(d) / (sd(d) / sqrt n) with n-1 degrees of freedom (Student 1908).

    Differences that are all equal have no spread: t is infinite and p = 0, or NaN if
    all are zero.
    """
    d = finite(differences)
    if len(d) < 2:
        return Tested(math.nan, math.nan)
    error = float(d.std(ddof=1)) / math.sqrt(len(d))
    return _t(float(d.mean()), error, len(d) - 1, float(abs(d).max()))


def welch_t(a: Sequence[float], b: Sequence[float]) -> Tested:
    """t = (mean b - mean a) / sqrt(va + vb), v = sd^2 / n, for unequal variances.

    Degrees of freedom (va + vb)^2 / (va^2 / (na-1) + vb^2 / (nb-1)) (Welch 1947).
    """
    a, b = finite(a), finite(b)
    if min(len(a), len(b)) < 2:
        return Tested(math.nan, math.nan)
    va, vb = (float(x.var(ddof=1)) / len(x) for x in (a, b))
    below = va**2 / (len(a) - 1) + vb**2 / (len(b) - 1)
    df = (va + vb) ** 2 / below if below else math.nan
    scale = float(np.abs(np.concatenate([a, b])).max())
    return _t(float(b.mean() - a.mean()), math.sqrt(va + vb), df, scale)


def corrected_t(differences: Sequence[float], folds: int) -> Tested:
    """t for differences over folds that share training data (Nadeau & Bengio 2003).

    The variance of the mean is (1/n + test/train) sd(d)^2, with n-1 degrees of freedom;
    of k folds, repeated or not, test/train = 1 / (k-1) (Bouckaert & Frank 2004).
    """
    d = finite(differences)
    if len(d) < 2:
        return Tested(math.nan, math.nan)
    error = float(d.std(ddof=1)) * math.sqrt(1 / len(d) + 1 / (folds - 1))
    return _t(float(d.mean()), error, len(d) - 1, float(abs(d).max()))


def five_by_two_f(differences: Sequence[Sequence[float]]) -> Tested:
    """5x2 cross-validation (Alpaydin 1999, Neural Computation 11, eq. 5).

    d_i1 and d_i2 are the differences in the two folds of repetition i, and s_i^2 =
    (d_i1 - m_i)^2 + (d_i2 - m_i)^2 around their mean m_i:
    F = sum_ij d_ij^2 / (2 sum_i s_i^2) with 10 and 5 degrees of freedom. Dietterich's t
    (1998) is of d_11 alone: which fold comes first decides, and it sees less.
    """
    d = finite(differences)
    if d.shape != (5, 2):
        raise ValueError(f"five repetitions of two folds, not an array of {d.shape}")
    within = float(((d - d.mean(1, keepdims=True)) ** 2).sum())
    error = math.sqrt(within / 5)
    if error <= ROUNDING * float(abs(d).max()):
        return Tested(math.nan, math.nan, 5, 0.0)
    f = float((d**2).sum()) / (2 * within)
    return Tested(f, f_tail(f, 10, 5), 5, error)


def wilcoxon(differences: Sequence[float]) -> Tested:
    """Signed ranks (Wilcoxon 1945): W+ = sum of the ranks of |d| where d > 0.

    Zeros are dropped and equal |d| share their mean rank. Given the ranks every sign is
    as likely, so that W+ has a distribution which is computed as a convolution; with
    ties that is the permutation distribution, where scipy's method="exact" keeps the
    one without ties and rounds. From more than 500 pairs on: the normal
    approximation with the variance sum(rank^2) / 4 and a continuity correction.
    """
    d = finite(differences)
    d = d[d != 0]
    doubled = np.rint(2 * _mean_ranks(abs(d))).astype(int)  # whole numbers, ties or not
    plus, total = int(doubled[d > 0].sum()), int(doubled.sum())
    low = min(plus, total - plus)
    if len(d) > WILCOXON_EXACT:
        # Twice a rank has twice the deviation; one half of W+ is one of twice W+.
        z = (low + 1 - total / 2) / math.sqrt(float((doubled.astype(float) ** 2).sum()))
        return Tested(plus / 2, min(1.0, 2 * normal_cdf(2 * z)))
    chance = np.zeros(total + 1)  # of each value of twice W+
    chance[0] = 1.0
    for rank in doubled:
        chance[rank:] = (chance[rank:] + chance[: total + 1 - rank]) / 2
        chance[:rank] /= 2
    return Tested(plus / 2, min(1.0, 2 * float(chance[: low + 1].sum())))


def sign_flip(differences: Sequence[float], seed: int = 0) -> Tested:
    """Permutation test of paired differences (Fisher 1935): the statistic is mean(d).

    Under the null hypothesis each difference could as well have the other sign. p is
    the share of the 2^n choices of signs with a mean as far from 0; of more than
    2^17 a seeded sample, (hits + 1) / (drawn + 1) (Phipson & Smyth 2010).
    """
    d = finite(differences)
    observed = float(d.mean()) if len(d) else math.nan
    if len(d) == 0:
        return Tested(observed, math.nan)
    scale = float(abs(d).max())
    if 2 ** len(d) <= ENUMERATED:
        sums = np.zeros(1)
        for one in d:
            sums = np.concatenate([sums + one, sums - one])
        return Tested(observed, _tails(sums / len(d), observed, scale))
    rng = np.random.default_rng(seed)
    rows = max(1, 2**20 // len(d))  # at a time, so that memory stays small
    sizes = [min(rows, RESAMPLES - start) for start in range(0, RESAMPLES, rows)]
    signs = (rng.integers(0, 2, (size, len(d)), np.int8) for size in sizes)
    means = np.concatenate([(2 * some - 1) @ d for some in signs]) / len(d)
    return Tested(observed, _tails(means, observed, scale, 1))


def relabel(a: Sequence[float], b: Sequence[float], seed: int = 0) -> Tested:
    """Permutation test of two groups: the statistic is mean(b) - mean(a).

    p is twice the smaller tail over all C(na+nb, na) ways to deal the values out, or
    over a seeded sample of these, as in `sign_flip`.
    """
    a, b = finite(a), finite(b)
    if not (len(a) and len(b)):
        return Tested(math.nan, math.nan)
    both = np.concatenate([a, b])
    n, observed = len(both), float(b.mean() - a.mean())
    extra = math.comb(n, len(a)) > ENUMERATED
    if extra:
        rng = np.random.default_rng(seed)
        chosen = (rng.permutation(n)[: len(a)] for _ in range(RESAMPLES))
    else:
        chosen = itertools.combinations(range(n), len(a))
    first = both[np.array(list(chosen))].sum(1)
    null = (both.sum() - first) / len(b) - first / len(a)
    scale = float(abs(both).max())
    return Tested(observed, _tails(null, observed, scale, int(extra)))


def mcnemar(right_a: Sequence[bool], right_b: Sequence[bool]) -> Tested:
    """Exact test of two classifiers on the same samples (McNemar 1947).

    Only samples count that one of the two has right: of these, the number that b alone
    has right is binomial with 1/2. The statistic is that number; none: p = 1.
    """
    a, b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    only_b, only_a = int((b & ~a).sum()), int((a & ~b).sum())
    return Tested(float(only_b), binomial_two_sided(only_b, only_a + only_b))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p of a family of m tests (Holm 1979).

    In rising order, max_{j <= i} (m - j + 1) p_(j), at most 1. NaN stays NaN and is no
    member of the family.
    """
    adjusted, highest = [math.nan] * len(p_values), 0.0
    known = [i for i, p in enumerate(p_values) if not math.isnan(p)]
    for rank, i in enumerate(sorted(known, key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(known) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def smallest_p(n: int, m: int | None = None) -> float:
    """The least that ranks and permutations can give, whatever the values.

    2 / 2^n for n pairs: all differences have one sign. 2 / C(n+m, n) for two groups:
    each value of one is above all of the other.
    """
    ways = 2**n if m is None else math.comb(n + m, n)
    return min(1.0, 2 / ways)


def paired_differences(a: Sequence[float], b: Sequence[float]) -> np.ndarray:
    """b - a to twelve digits of the largest value.

    As floats, 0.984 - 0.982 is not 0.994 - 0.992: ranks and signs would see noise.
    """
    a, b = finite(a), finite(b)
    largest = float(np.abs([a, b]).max(initial=0))
    digits = 12 - math.floor(math.log10(largest)) if largest else 0
    return np.array([round(float(d), digits) for d in b - a])


def finite(values: Sequence[float]) -> np.ndarray:
    """The values as float64; ValueError if one is no number."""
    array = np.asarray(values, float)
    if not np.isfinite(array).all():
        raise ValueError(f"{array[~np.isfinite(array)][0]} is no number to test")
    return array


def _t(mean: float, error: float, df: float, scale: float) -> Tested:
    """Mean over standard error; both are zero if only rounding speaks of `scale`."""
    if error > ROUNDING * scale:
        return Tested(mean / error, t_two_sided(mean / error, df), df, error)
    if abs(mean) > ROUNDING * scale:
        return Tested(math.copysign(math.inf, mean), 0.0, df, 0.0)
    return Tested(math.nan, math.nan, df, 0.0)


def _mean_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values share the mean of theirs."""
    _, group, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[group]


def _tails(null: np.ndarray, observed: float, scale: float, extra: int = 0) -> float:
    """Twice the smaller share of `null` that lies as far out as the observed value."""
    near = ROUNDING * scale
    below = np.count_nonzero(null <= observed + near) + extra
    above = np.count_nonzero(null >= observed - near) + extra
    return min(1.0, 2 * min(int(below), int(above)) / (len(null) + extra))
