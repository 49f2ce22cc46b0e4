"""Our statistics beside scipy and statsmodels, and where these have no answer."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests

from tools import estimates
from tools import statistical_tests as tests
from tools.tests.beside_scipy import CASES, drawn, mean_difference, near, near_or_nan


@pytest.mark.spec("WSP-101", "equal those of scipy and statsmodels to 1e-10")
def test_t_tests_are_those_of_scipy():
    for case in range(CASES):
        x, z, y = drawn(case)
        ours, theirs = tests.paired_t(z - x), stats.ttest_rel(z, x)
        near([ours.statistic, ours.p], [theirs.statistic, theirs.pvalue])
        end = theirs.confidence_interval()
        mean = float((z - x).mean())
        near(estimates.t_interval(mean, ours.error, ours.df), [end.low, end.high])
        ours, theirs = tests.welch_t(x, y), stats.ttest_ind(y, x, equal_var=False)
        near([ours.statistic, ours.p, ours.df], [*theirs, theirs.df])


@pytest.mark.spec("WSP-101", "equal those of scipy and statsmodels to 1e-10")
def test_exact_wilcoxon_is_that_of_scipy():
    for case in range(CASES):
        x, z, _ = drawn(case)
        ours, theirs = tests.wilcoxon(z - x), stats.wilcoxon(z - x, method="exact")
        near(ours.p, theirs.pvalue)
        total = len(x) * (len(x) + 1) / 2
        assert min(ours.statistic, total - ours.statistic) == theirs.statistic


@pytest.mark.spec("WSP-102", "the permutation distribution of the ranks as they are")
def test_wilcoxon_with_ties_and_zeros_is_the_permutation_distribution():
    every = stats.PermutationMethod(n_resamples=np.inf)
    differ = 0
    for case in range(30):
        d = np.random.default_rng(case).integers(-3, 4, 7).astype(float)
        ours = tests.wilcoxon(d).p
        near(ours, stats.wilcoxon(d, method=every).pvalue if d.any() else 1.0)
        differ += d.any() and ours != stats.wilcoxon(d, method="exact").pvalue
    assert differ > 10  # scipy's "exact" is not, with ties


def test_wilcoxon_of_many_pairs_is_the_normal_approximation():
    d = np.round(np.random.default_rng(0).normal(0.1, 1, 900), 1)
    theirs = stats.wilcoxon(d, method="asymptotic", correction=True)
    near(tests.wilcoxon(d).p, theirs.pvalue)
    few = np.random.default_rng(1).normal(0.1, 1, 400)
    near(tests.wilcoxon(few).p, stats.wilcoxon(few, method="exact").pvalue)


@pytest.mark.spec("WSP-101", "equal those of scipy and statsmodels to 1e-10")
def test_exact_mcnemar_is_that_of_statsmodels():
    for case in range(CASES):
        rng = np.random.default_rng(case)
        a, b = (rng.random(rng.integers(1, 400)) for _ in range(2))
        a, b = (one[: min(len(a), len(b))] < rng.random() for one in (a, b))
        counts = [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
        ours = tests.mcnemar(a, b)
        near(ours.p, their_mcnemar(counts, exact=True).pvalue if (a != b).any() else 1)
        assert ours.statistic == (b & ~a).sum()


@pytest.mark.spec("WSP-101", "equal those of scipy and statsmodels to 1e-10")
def test_holm_is_that_of_statsmodels():
    for case in range(10):  # statsmodels takes its time
        rng = np.random.default_rng(case)
        p = np.round(rng.random(rng.integers(1, 60)) ** 3, 2)  # with ties
        near(tests.holm(p), multipletests(p, method="holm")[1])
    assert tests.holm([]) == []


def test_a_p_value_that_is_none_is_no_member_of_the_family():
    assert tests.holm([0.02, math.nan, 0.5])[::2] == [0.04, 0.5]
    assert math.isnan(tests.holm([0.02, math.nan])[1])


@pytest.mark.spec("WSP-101", "equal those of scipy and statsmodels to 1e-10")
def test_exact_permutation_tests_are_those_of_scipy():
    every = {"vectorized": True, "n_resamples": np.inf}
    for case in range(CASES):
        x, z, y = drawn(case)
        d, x, y = (z - x)[:8], x[:4], y[:5]
        theirs = stats.permutation_test(
            (d,), np.mean, permutation_type="samples", **every
        )
        near(tests.sign_flip(d).p, theirs.pvalue)
        theirs = stats.permutation_test((x, y), mean_difference, **every)
        near(tests.relabel(x, y).p, theirs.pvalue)


def test_permutation_tests_of_many_values_are_drawn_with_a_seed():
    rng = np.random.default_rng(0)
    d, x, y = rng.normal(0.4, 1, 40), rng.normal(size=30), rng.normal(0.7, 1, size=20)
    assert tests.sign_flip(d) == tests.sign_flip(d) != tests.sign_flip(d, seed=1)
    assert abs(tests.sign_flip(d).p - tests.paired_t(d).p) < 0.01
    assert tests.relabel(x, y) == tests.relabel(x, y) != tests.relabel(x, y, seed=1)
    assert abs(tests.relabel(x, y).p - tests.welch_t(x, y).p) < 0.01
    assert tests.sign_flip(d + 100).p == 2 / (tests.RESAMPLES + 1)  # and never 0


@pytest.mark.spec("WSP-111", "the 5x2 F of Alpaydin")
def test_five_by_two_is_the_formula_of_alpaydin():
    for case in range(20):
        d = np.random.default_rng(case).normal(0.3, 1, (5, 2))
        variances = [np.var(pair, ddof=1) for pair in d]  # (a-m)^2 + (b-m)^2
        f = (d**2).sum() / (2 * sum(variances))
        ours = tests.five_by_two_f(d)
        near([ours.statistic, ours.p], [f, stats.f.sf(f, 10, 5)])
        ends = estimates.five_by_two_interval(d)
        if 2 * stats.f.ppf(0.95, 10, 5) * sum(variances) > d.var() * 10:
            near([tests.five_by_two_f(d - end).p for end in ends], [0.05, 0.05])
        else:
            assert math.isnan(ends[0])
    with pytest.raises(ValueError, match="five repetitions of two folds"):
        tests.five_by_two_f(d.T)


@pytest.mark.spec("WSP-111", "corrected t of Nadeau and Bengio")
def test_the_corrected_t_knows_that_folds_share_training_data():
    d = np.random.default_rng(0).normal(0.5, 1, 10)
    plain, corrected = stats.ttest_1samp(d, 0), tests.corrected_t(d, 10)
    t = plain.statistic * math.sqrt((1 / 10) / (1 / 10 + 1 / 9))
    near([corrected.statistic, corrected.p], [t, 2 * stats.t.sf(abs(t), 9)])


@pytest.mark.spec("WSP-105", "five pairs cannot go below 0.0625, six are the fewest")
def test_the_least_p_is_that_of_values_that_all_say_the_same():
    for n in range(1, 10):
        d = np.arange(1.0, n + 1)
        near([tests.wilcoxon(d).p, tests.sign_flip(d).p], [tests.smallest_p(n)] * 2)
    assert tests.smallest_p(5) == 0.0625 > 0.05 > tests.smallest_p(6)
    assert tests.relabel([1, 2, 3], [4, 5, 6, 7]).p == tests.smallest_p(3, 4)


@pytest.mark.spec("WSP-112", "One value, equal values and values without spread")
@pytest.mark.parametrize(
    "d, t, rest",
    [
        ([3.0], (math.nan, math.nan), 1.0),
        ([0.0, 0.0, 0.0], (math.nan, math.nan), 1.0),
        ([0.1, 0.1, 0.1], (math.inf, 0.0), 0.25),
        ([-2.0, -2.0], (-math.inf, 0.0), 0.5),
    ],
)
def test_values_without_spread(d, t, rest):
    near_or_nan(tests.paired_t(d)[:2], t)
    assert tests.wilcoxon(d).p == tests.sign_flip(d).p == rest
    assert math.isnan(estimates.cohen_dz(d))
    interval = estimates.bca_interval(estimates.bootstrap_means(d), d)
    near_or_nan(interval, [math.nan] * 2 if len(d) < 2 else [d[0]] * 2)
    near_or_nan(tests.welch_t(d, [1.0])[:2], [math.nan] * 2)
    assert tests.relabel(d, d).p == 1.0


@pytest.mark.spec("WSP-115", "are ties and zeros")
def test_differences_that_floats_tell_apart_are_ties():
    d = tests.paired_differences([0.982, 0.992, 0.3], [0.984, 0.994, 0.1 + 0.2])
    assert d[0] == d[1] == 0.002 and d[2] == 0
    assert tests.paired_differences([1e20, 0], [1e20, 1e8]).tolist() == [0, 1e8]
    assert tests.relabel([0.1, 0.3], [0.2, 0.2]).p == 1.0


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_no_number_is_refused(wrong):
    for test in (tests.paired_t, tests.wilcoxon, tests.sign_flip):
        with pytest.raises(ValueError, match="is no number"):
            test([1.0, wrong])
    with pytest.raises(ValueError, match="is no number"):
        tests.welch_t([1.0, 2.0], [wrong])
