"""Distributions, intervals and effect sizes beside scipy's."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special, stats

from tools import distributions, estimates
from tools.tests.beside_scipy import CASES, drawn, mean_difference, near


@pytest.mark.spec("WSP-101", "equal those of scipy and statsmodels to 1e-10")
def test_distributions_are_those_of_scipy():
    rng = np.random.default_rng(0)
    for _ in range(CASES):
        df, t = float(np.exp(rng.uniform(0, 11))), float(rng.standard_t(1))
        near(distributions.t_cdf(t, df), stats.t.cdf(t, df))
        if (tail := stats.t.sf(abs(t), df) * 2) > 1e-200:
            near(distributions.t_two_sided(t, df) / tail, 1.0)
        for p in (rng.uniform(), 10 ** rng.uniform(-12, -1)):
            near(distributions.t_quantile(p, df), stats.t.ppf(p, df))
            near(distributions.normal_quantile(p), special.ndtri(p))
        m, n, f = *np.exp(rng.uniform(0, 5, 2)), float(np.exp(rng.uniform(-3, 3)))
        near(distributions.f_tail(f, m, n), stats.f.sf(f, m, n))
        near(distributions.f_quantile(0.95, 10, 5), stats.f.ppf(0.95, 10, 5))
        (a, b), x = np.exp(rng.uniform(-2, 7, 2)), rng.uniform()
        near(distributions.incomplete_beta(a, b, x), special.betainc(a, b, x))
        near(distributions.log_beta(a, b), special.betaln(a, b))
        n = int(rng.integers(1, 900))
        k = int(rng.integers(0, n + 1))
        near(distributions.binomial_two_sided(k, n), stats.binomtest(k, n).pvalue)


def test_a_quantile_without_degrees_of_freedom_is_none():
    assert math.isnan(distributions.t_quantile(0.975, math.nan))
    assert math.isnan(distributions.t_quantile(0.975, 0))


@pytest.mark.spec("WSP-101", "equal those of scipy and statsmodels to 1e-10")
def test_the_bca_interval_is_that_of_scipy_for_the_same_replicates():
    for case in range(CASES // 3):
        x, z, y = drawn(case, least=3)
        d = z - x
        replicates = snapped(estimates.bootstrap_means(d, case), d.mean())
        near(
            estimates.bca_interval(replicates, d), their_bca(replicates, (d,), np.mean)
        )
        both = estimates.bootstrap_means(y, 1) - estimates.bootstrap_means(x)
        both = snapped(both, y.mean() - x.mean())
        theirs = their_bca(both, (x, y), mean_difference)
        near(estimates.bca_interval(both, x, y), theirs)


def test_effect_sizes():
    for case in range(60):
        x, z, y = drawn(case, least=3)
        near(estimates.cohen_dz(z - x), (z - x).mean() / np.std(z - x, ddof=1))
        above = stats.mannwhitneyu(y, x).statistic
        near(estimates.cliffs_delta(x, y), 2 * above / len(x) / len(y) - 1)
        m = len(x) + len(y) - 2
        var = (np.var(x) * len(x) + np.var(y) * len(y)) / m
        j = special.gamma(m / 2) / math.sqrt(m / 2) / special.gamma((m - 1) / 2)
        near(estimates.hedges_g(x, y), j * (y.mean() - x.mean()) / math.sqrt(var))
    assert estimates.cliffs_delta([1, 2], [2, 3]) == 0.75


def snapped(replicates, estimate):
    """Resamples of the same values in another order have this very mean."""
    near = abs(replicates - estimate) < 1e-12 * abs(replicates).max()
    return np.where(near, estimate, replicates)


def their_bca(replicates, data, statistic):
    done = SimpleNamespace(bootstrap_distribution=replicates)
    given = {"n_resamples": 0, "bootstrap_result": done, "method": "BCa"}
    return list(stats.bootstrap(data, statistic, **given).confidence_interval)
