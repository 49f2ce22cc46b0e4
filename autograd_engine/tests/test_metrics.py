"""The counts and ratios equal scikit-learn's, the interval SciPy's."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
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


one_fixture = settings(  # parity keeps the largest error of all examples
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1)


@pytest.mark.parity("accuracy, precision, recall, counts", "sklearn.metrics")
@pytest.mark.spec("AGE-087", "equal scikit-learn's")
@one_fixture
@given(pairs=LABELS)
def test_counts_and_ratios_equal_those_of_scikit_learn(parity, pairs):
    guess, truth = np.array(pairs).T
    counts = confusion_matrix(guess, truth, 4)
    names = {"labels": range(4), "average": None, "zero_division": np.nan}
    expected = reference.confusion_matrix(truth, guess, labels=range(4))
    parity.value(counts, expected, atol=0.0)
    expected = reference.accuracy_score(truth, guess)
    parity.value(accuracy(counts), expected, atol=0.0)
    expected = reference.precision_score(truth, guess, **names)
    parity.value(precision(counts), expected, atol=0.0)
    expected = reference.recall_score(truth, guess, **names)
    parity.value(recall(counts), expected, atol=0.0)


def test_without_samples_nothing_is_defined():
    none = confusion_matrix(np.array([], np.int64), np.array([], np.int64), 2)
    assert math.isnan(accuracy(none)) and np.isnan(recall(none)).all()


@pytest.mark.parametrize("guess", [[0, 2], [-1, 0]])
def test_a_code_that_is_no_class_is_refused(guess):
    with pytest.raises(ValueError, match="predicted has codes from .*0 to 1 are the 2"):
        confusion_matrix(np.array(guess), np.array([0, 1]), 2)


@pytest.mark.parity("Wilson interval", "scipy.stats.binomtest")
@pytest.mark.spec("AGE-087", "the interval is Wilson's")
@one_fixture
@given(
    trials=st.integers(1, 2000),
    share=st.floats(0, 1),
    confidence=st.sampled_from([0.5, 0.95, 0.999]),
)
def test_the_interval_equals_that_of_scipy(parity, trials, share, confidence):
    successes = round(share * trials)
    low, high = wilson_interval(successes, trials, confidence)
    known = binomtest(successes, trials).proportion_ci(confidence, "wilson")
    parity.value((low, high), tuple(known), atol=1e-12)
    assert 0 <= low <= successes / trials <= high <= 1


@pytest.mark.parametrize("wrong", [(1, 0), (3, 2), (-1, 2), (1, 2, 1.0), (1, 2, 0.0)])
def test_no_interval_of_what_is_no_share(wrong):
    with pytest.raises(ValueError, match="wilson_interval: "):
        wilson_interval(*wrong)
