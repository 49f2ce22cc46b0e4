"""Tests of paired runs against scipy and statsmodels' arithmetic written out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.metrics.significance import (
    EXACT_UP_TO,
    holm,
    incomplete_beta,
    paired_t,
    sign_flip,
    t_p,
    t_quantile,
)


FLOATS = st.floats(-5, 5, allow_nan=False).map(lambda x: round(x, 3))
PAIRS = st.lists(st.tuples(FLOATS, FLOATS), min_size=2, max_size=8)
A, B = [2.41, 2.43, 2.40, 2.46, 2.42, 2.44], [2.44, 2.45, 2.44, 2.46, 2.46, 2.45]


def split(pairs):
    return [a for a, _ in pairs], [b for _, b in pairs]


@pytest.mark.spec("SEQ-110", "p-value and 95 % interval of the paired t-test are those")
@pytest.mark.parity("paired t-test", "scipy.stats.ttest_rel")
@pytest.mark.parametrize("n", [2, 3, 6])
def test_paired_t_is_that_of_scipy(parity, n):
    stats = pytest.importorskip("scipy.stats", reason="the reference")
    expected = stats.ttest_rel(A[:n], B[:n])
    found = paired_t(A[:n], B[:n])
    ends = expected.confidence_interval(0.95)
    theirs = expected.pvalue, expected.statistic, ends.low, ends.high
    parity.value((found.p, found.t, found.low, found.high), theirs, atol=1e-11)


@pytest.mark.parametrize("degrees", [1, 2, 5, 30, 500])
def test_tails_and_quantiles_are_those_of_scipy(degrees):
    stats = pytest.importorskip("scipy.stats", reason="the reference")
    for t in (0.0, 1e-3, 0.7, 3.0, 40.0, 1e3):
        expected = 2 * stats.t.sf(t, degrees)
        assert t_p(t, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-300)
        assert t_p(-t, degrees) == t_p(t, degrees)
    for confidence in (0.5, 0.95, 0.999):
        expected = stats.t.ppf((1 + confidence) / 2, degrees)
        assert t_quantile(confidence, degrees) == pytest.approx(expected, rel=1e-9)


def test_incomplete_beta_is_that_of_scipy():
    special = pytest.importorskip("scipy.special", reason="the reference")
    for a, b, x in [(0.5, 0.5, 0.3), (3, 7, 0.9), (20, 0.5, 0.01), (2, 2, 0.5)]:
        expected = special.betainc(a, b, x)
        assert incomplete_beta(a, b, x) == pytest.approx(expected, rel=1e-9)
    assert incomplete_beta(2, 3, 0) == 0 and incomplete_beta(2, 3, 1) == 1


@pytest.mark.spec("SEQ-110", "every choice of signs")
@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_sign_flip_is_the_permutation_test_of_scipy(n):
    stats = pytest.importorskip("scipy.stats", reason="the reference")
    expected = (
        stats.permutation_test(
            (A[:n], B[:n]),
            lambda x, y, axis: (x - y).mean(axis=axis),
            permutation_type="samples",
            n_resamples=math.inf,
            vectorized=True,
        )
        if n > 1
        else None
    )
    assert sign_flip(A[:n], B[:n]) == pytest.approx(
        expected.pvalue if expected else 1.0
    )


def test_the_smallest_p_that_six_seeds_allow():
    assert sign_flip([1, 2, 3, 4, 5, 6], [0] * 6) == 2 / 2**6


@pytest.mark.spec("SEQ-110", "Holm's adjusted p-values")
def test_holm_on_a_case_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


@given(PAIRS)
def test_swapping_the_models_turns_the_sign_only(pairs):
    a, b = split(pairs)
    one, other = paired_t(a, b), paired_t(b, a)
    assert one.p == pytest.approx(other.p) and one.t == pytest.approx(-other.t)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.low <= one.difference <= one.high
    assert sign_flip(a, b) == sign_flip(b, a)
    assert 2 / 2 ** len(a) <= sign_flip(a, b) <= 1


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_between_the_raw_values_and_bonferroni(raw):
    adjusted = holm(raw)
    for p, q in zip(raw, adjusted, strict=True):
        assert p <= q <= min(1.0, len(raw) * p) + 1e-12
    order = sorted(range(len(raw)), key=raw.__getitem__)
    assert [adjusted[i] for i in order] == sorted(adjusted)


def test_equal_differences_are_certain():
    assert paired_t([1, 2], [1, 2]).p == 1.0
    found = paired_t([1.5, 2.5], [1.0, 2.0])
    assert found.p == 0.0 and found.t == math.inf
    assert found.low == found.high == 0.5


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([1.0], [2.0], "1 pairs: a t-test needs at least 2"),
        ([1.0, 2.0], [2.0], "2 and 1 values are not paired"),
        ([1.0, math.nan], [2.0, 3.0], "must be finite"),
    ],
)
def test_what_is_no_sample(a, b, words):
    with pytest.raises(ValueError, match=words):
        paired_t(a, b)


def test_too_many_pairs_for_every_choice():
    n = EXACT_UP_TO + 1
    with pytest.raises(ValueError, match=f"{n} pairs: the exact test takes 1 to"):
        sign_flip([0.0] * n, [1.0] * n)
    with pytest.raises(ValueError, match="confidence = 1"):
        t_quantile(1, 5)
