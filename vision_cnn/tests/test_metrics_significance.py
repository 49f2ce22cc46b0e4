"""Tests and intervals against scipy, and the laws that every metric follows."""

import math

import numpy as np
import pytest
import torch

from src.metrics import (
    accuracy,
    binary_roc_auc,
    calibration_bins,
    confusion_matrix,
    difference_interval,
    ece,
    f1,
    macro,
    max_calibration_error,
    mcnemar,
    precision,
    recall,
    summary,
    top_k_correct,
    wilson_interval,
)
from src.metrics.significance import EXACT_BELOW


def pair(both, only_a, only_b, neither):
    """Which of the images A and B have right."""
    a = [True] * (both + only_a) + [False] * (only_b + neither)
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    return torch.tensor(a, dtype=torch.bool), torch.tensor(b, dtype=torch.bool)


@pytest.mark.parity("McNemar's test, exact", "scipy.stats.binomtest")
@pytest.mark.spec("CNN-065", "exact binomial where fewer than 25 images")
@pytest.mark.parametrize("only", [(1, 0), (5, 5), (3, 9), (24, 0), (12, 12), (0, 7)])
def test_mcnemar_of_few_is_the_binomial_test_of_scipy(only, parity):
    stats = pytest.importorskip("scipy.stats", reason="the reference")
    found = mcnemar(*pair(40, *only, 7))
    assert (found.only_a, found.only_b) == only
    assert found.method == "exact"
    parity.value(found.p, stats.binomtest(only[0], sum(only)).pvalue, atol=1e-13)


@pytest.mark.parity("McNemar's test, chi-square", "scipy.stats.chi2")
@pytest.mark.spec("CNN-065", "from there on by chi-square with continuity correction")
@pytest.mark.parametrize("only", [(25, 0), (13, 12), (60, 31), (15, 15), (300, 350)])
def test_mcnemar_of_many_is_chi_square(only, parity):
    stats = pytest.importorskip("scipy.stats", reason="the reference")
    found = mcnemar(*pair(40, *only, 7))
    statistic = max(0, abs(only[0] - only[1]) - 1) ** 2 / sum(only)
    assert found.method == "chi-square"
    parity.value(found.p, stats.chi2.sf(statistic, 1), atol=1e-13)


def test_both_methods_nearly_agree_where_they_meet():
    for only in ((EXACT_BELOW - 9, 8), (EXACT_BELOW - 8, 8)):
        exact = sum(math.comb(sum(only), i) for i in range(9)) * 2 / 2 ** sum(only)
        assert mcnemar(*pair(0, *only, 0)).p == pytest.approx(exact, rel=0.1)


def test_without_a_difference_p_is_one():
    assert mcnemar(*pair(5, 0, 0, 5)).p == 1.0
    assert mcnemar(*pair(0, 0, 0, 0)).p == 1.0


@pytest.mark.parity("Wilson interval", "scipy.stats.binomtest")
@pytest.mark.spec("CNN-066", "is Wilson's")
@pytest.mark.parametrize("right", [0, 1, 7, 10])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_wilson_is_that_of_scipy(right, confidence, parity):
    stats = pytest.importorskip("scipy.stats", reason="the reference")
    test = stats.binomtest(right, 10)
    expected = test.proportion_ci(confidence, method="wilson")
    found = wilson_interval(right, 10, confidence)
    parity.value(found, (expected.low, expected.high), atol=1e-12)


def test_wilson_at_its_edges():
    assert wilson_interval(0, 5)[0] == 0.0 and wilson_interval(5, 5)[1] == 1.0
    assert all(math.isnan(end) for end in wilson_interval(0, 0))
    for right, images in ((6, 5), (-1, 5)):
        with pytest.raises(ValueError, match=f"{right} of 5 images cannot be right"):
            wilson_interval(right, images)


@pytest.mark.spec("CNN-066", "the bootstrap's over pairs")
def test_the_interval_of_a_difference_is_the_paired_bootstrap():
    stats = pytest.importorskip("scipy.stats", reason="the reference")
    a, b = pair(120, 40, 20, 20)
    expected = stats.bootstrap(
        (a.double().numpy(), b.double().numpy()),
        lambda x, y, axis: np.mean(x, axis) - np.mean(y, axis),
        paired=True,
        method="percentile",
        vectorized=True,
        n_resamples=4000,
        rng=0,
    ).confidence_interval
    found = difference_interval(a, b)
    assert found == pytest.approx((expected.low, expected.high), abs=0.011)
    assert found == difference_interval(a, b)


def test_the_interval_of_a_difference_at_its_edges():
    assert difference_interval(*pair(9, 0, 0, 9)) == (0.0, 0.0)
    assert difference_interval(*pair(0, 7, 0, 0)) == (1.0, 1.0)
    assert difference_interval(*pair(0, 0, 7, 0)) == (-1.0, -1.0)
    assert all(math.isnan(end) for end in difference_interval(*pair(0, 0, 0, 0)))


hypothesis = pytest.importorskip("hypothesis", reason="the laws need it")
given, st = hypothesis.given, hypothesis.strategies
CLASSES = 4
LABEL = st.integers(0, CLASSES - 1)
SEEN = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=30)


def two(pairs):
    return torch.tensor([p for p, _ in pairs]), torch.tensor([t for _, t in pairs])


@pytest.mark.spec("CNN-061", "adds up over batches")
@given(SEEN, st.integers(0, 30))
def test_counts_of_batches_add_up(pairs, cut):
    pred, target = two(pairs)
    parts = [
        confusion_matrix(pred[part], target[part], CLASSES)
        for part in (slice(cut), slice(cut, None))
    ]
    assert sum(parts).equal(confusion_matrix(pred, target, CLASSES))


@given(SEEN, st.permutations(range(CLASSES)))
def test_renamed_classes_have_renamed_scores(pairs, order):
    pred, target = two(pairs)
    order = torch.tensor(order)
    before = confusion_matrix(pred, target, CLASSES)
    after = confusion_matrix(order[pred], order[target], CLASSES)
    for score in (precision, recall, f1):
        torch.testing.assert_close(score(after)[order], score(before), equal_nan=True)
    assert summary(after) == pytest.approx(summary(before), nan_ok=True)


@given(SEEN)
def test_swapping_truth_and_guess_swaps_precision_and_recall(pairs):
    pred, target = two(pairs)
    one = confusion_matrix(pred, target, CLASSES)
    other = confusion_matrix(target, pred, CLASSES)
    torch.testing.assert_close(precision(one), recall(other), equal_nan=True)
    torch.testing.assert_close(f1(one), f1(other), equal_nan=True)
    assert accuracy(one) == accuracy(other)


@given(SEEN)
def test_weighted_recall_is_the_accuracy(pairs):
    numbers = summary(confusion_matrix(*two(pairs), CLASSES))
    assert numbers["weighted_recall"] == pytest.approx(numbers["accuracy"])


@given(st.lists(st.lists(st.integers(-3, 3), min_size=5, max_size=5), min_size=1))
def test_top_k_grows_with_k_and_ends_with_all(rows):
    logits = torch.tensor(rows).float()
    target = torch.arange(len(rows)) % 5
    hits = [top_k_correct(logits, target, k) for k in range(1, 6)]
    assert hits[0].equal(logits.argmax(1) == target)
    assert all((a <= b).all() for a, b in zip(hits, hits[1:], strict=False))
    assert hits[-1].all()


SCORED = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=30)


@given(SCORED)
def test_an_area_depends_on_the_order_only(pairs):
    score = torch.tensor([s for s, _ in pairs]).double()
    positive = torch.tensor([p for _, p in pairs])
    area = binary_roc_auc(score, positive)
    same = {"rel": 1e-12, "nan_ok": True}
    assert binary_roc_auc(score.exp(), positive) == pytest.approx(area, **same)
    assert binary_roc_auc(-score, positive) == pytest.approx(1 - area, **same)
    assert binary_roc_auc(score, ~positive) == pytest.approx(1 - area, **same)


@given(SEEN)
def test_the_mean_calibration_error_is_at_most_the_largest(pairs):
    pred, target = two(pairs)
    sure = torch.linspace(0.5, 1, len(pred))[:, None]
    truth = torch.eye(CLASSES)[pred]
    sums = calibration_bins(sure * truth + (1 - sure) / CLASSES * (1 - truth), target)
    assert 0 <= ece(sums) <= max_calibration_error(sums) + 1e-12 <= 1 + 1e-6


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_symmetric(only_a, only_b):
    one, other = (
        mcnemar(*pair(3, *o, 3)) for o in ((only_a, only_b), (only_b, only_a))
    )
    assert one.p == other.p
    assert 0 <= one.p <= 1
    worse = mcnemar(*pair(3, max(only_a, only_b) + 5, min(only_a, only_b), 3))
    assert worse.p <= one.p + 0.05


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_contains_the_share_and_mirrors(right, images):
    right = min(right, images)
    low, high = wilson_interval(right, images)
    assert 0 <= low <= right / images <= high <= 1
    mirrored = wilson_interval(images - right, images)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)


def test_a_mean_over_no_defined_class_is_nan():
    assert math.isnan(macro(torch.full((3,), math.nan)))
