"""scikit-learn's own checks, and its tools around the estimator."""

import doctest

import numpy as np
import pytest
import torch

from src import sklearn_api
from src.sklearn_api import CNNClassifier


pytest.importorskip("sklearn", reason="scikit-learn is an extra")

from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.exceptions import SkipTestWarning  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import MinMaxScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402


MINIBATCHES = (
    "an image of weight 2 is not two images: a step sees a batch of distinct images, "
    "and batch normalisation counts each of them once"
)


def expected_failures(_) -> dict[str, str]:
    return {"check_sample_weight_equivalence_on_dense_data": MINIBATCHES}


@pytest.mark.spec("CNN-121", "passes `check_estimator`")
@pytest.mark.filterwarnings(f"ignore::{SkipTestWarning.__module__}.SkipTestWarning")
@parametrize_with_checks(
    [CNNClassifier(n_epochs=5)], expected_failed_checks=expected_failures
)
def test_check_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300], y[:300]


@pytest.mark.spec("CNN-121", "reaches the accuracy that it states")
def test_the_example_reaches_what_it_says():
    results = doctest.testmod(sklearn_api)
    assert results.attempted == 8 and results.failed == 0


@pytest.mark.spec("CNN-121", "`cross_val_score`, `GridSearchCV`, a `Pipeline`")
def test_scikit_learn_drives_it(digits):
    network = CNNClassifier(n_epochs=8, random_state=0)
    scores = cross_val_score(make_pipeline(MinMaxScaler(), network), *digits, cv=2)
    assert scores.min() > 0.75
    search = GridSearchCV(network, {"widths": [(4,), (16, 32)]}, cv=2).fit(*digits)
    assert search.best_params_ == {"widths": (16, 32)}
    calibrated = CalibratedClassifierCV(network, cv=2).fit(*digits)
    np.testing.assert_allclose(calibrated.predict_proba(digits[0]).sum(1), 1)
    assert calibrated.score(*digits) > 0.85


@pytest.mark.spec("CNN-123", "leaves torch's random generator and thread count")
def test_nothing_of_torch_is_changed(digits):
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    network = CNNClassifier(
        n_epochs=1, random_state=0, model_options={"dropout": 0.5}
    ).fit(*digits)
    network.partial_fit(*digits).predict(digits[0])
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads
    assert torch.are_deterministic_algorithms_enabled() == deterministic
