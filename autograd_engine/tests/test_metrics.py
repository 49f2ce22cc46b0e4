"""The counts and ratios equal scikit-learn's, the interval SciPy's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as reference

from src.metrics import (
    accuracy,
    confusion_matrix,
    precision,
    recall,
    wilson_interval,
)


LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1)


@pytest.mark.spec("AGE-087", "equal scikit-learn's")
@given(LABELS)
def test_counts_and_ratios_equal_those_of_scikit_learn(pairs):
    guess, truth = np.array(pairs).T
    counts = confusion_matrix(guess, truth, 4)
    names = {"labels": range(4), "average": None, "zero_division": np.nan}
    assert (counts == reference.confusion_matrix(truth, guess, labels=range(4))).all()
    assert accuracy(counts) == reference.accuracy_score(truth, guess)
    expected = reference.precision_score(truth, guess, **names)
    np.testing.assert_array_equal(precision(counts), expected)
    expected = reference.recall_score(truth, guess, **names)
    np.testing.assert_array_equal(recall(counts), expected)


def test_without_samples_nothing_is_defined():
    none = confusion_matrix(np.array([], np.int64), np.array([], np.int64), 2)
    assert math.isnan(accuracy(none)) and np.isnan(recall(none)).all()


@pytest.mark.parametrize("guess", [[0, 2], [-1, 0]])
def test_a_code_that_is_no_class_is_refused(guess):
    with pytest.raises(ValueError, match="predicted has codes from .*0 to 1 are the 2"):
        confusion_matrix(np.array(guess), np.array([0, 1]), 2)


@pytest.mark.spec("AGE-087", "the interval is Wilson's")
@given(st.integers(1, 2000), st.floats(0, 1), st.sampled_from([0.5, 0.95, 0.999]))
def test_the_interval_equals_that_of_scipy(trials, share, confidence):
    successes = round(share * trials)
    low, high = wilson_interval(successes, trials, confidence)
    known = binomtest(successes, trials).proportion_ci(confidence, "wilson")
    assert (low, high) == pytest.approx(tuple(known), abs=1e-12)
    assert 0 <= low <= successes / trials <= high <= 1


@pytest.mark.parametrize("wrong", [(1, 0), (3, 2), (-1, 2), (1, 2, 1.0), (1, 2, 0.0)])
def test_no_interval_of_what_is_no_share(wrong):
    with pytest.raises(ValueError, match="wilson_interval: "):
        wilson_interval(*wrong)
