"""The point sets in the plane, and the digits that are drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression

from src.data.points import make_points
from src.data.toy_digits import toy_digits


RANDOM = ("simple", "diag", "split", "xor", "circle")

# Written out once more, a point at a time, from the guide of MiniTorch.
LABELS = {
    "simple": lambda a, b: a < 0.5,
    "diag": lambda a, b: a + b < 0.5,
    "split": lambda a, b: not 0.2 <= a <= 0.8,
    "xor": lambda a, b: a < 0.5 < b or b < 0.5 < a,
    "circle": lambda a, b: np.hypot(a - 0.5, b - 0.5) > np.sqrt(0.1),
}


@pytest.mark.spec("AGE-073", "follow MiniTorch's definitions")
@pytest.mark.parametrize("name", RANDOM)
def test_labels_follow_the_rule(name):
    points, labels = make_points(name, 500, 3)
    assert labels.tolist() == [int(LABELS[name](a, b)) for a, b in points]
    assert points.min() >= 0 and points.max() < 1
    assert points.shape == (500, 2) and points.dtype == np.float64
    assert labels.dtype == np.int64 and 0 < labels.mean() < 1


@pytest.mark.spec("AGE-073", "follow MiniTorch's definitions")
def test_spiral_is_two_arms_computed_point_by_point():
    points, labels = make_points("spiral", 20, 0)
    for i, (x, y) in enumerate(points[:10]):
        t = 10 * (i + 5) / 10
        assert x == pytest.approx(t * np.cos(t) / 20 + 0.5, abs=1e-15)
        assert y == pytest.approx(t * np.sin(t) / 20 + 0.5, abs=1e-15)
        t = -t
        assert points[10 + i, 0] == pytest.approx(t * np.sin(t) / 20 + 0.5, abs=1e-15)
        assert points[10 + i, 1] == pytest.approx(t * np.cos(t) / 20 + 0.5, abs=1e-15)
    assert labels.tolist() == [0] * 10 + [1] * 10


def test_phase_moves_a_spiral_towards_its_next_point():
    here, _ = make_points("spiral", 40, 0)
    later, _ = make_points("spiral", 40, 0, phase=1.0)
    np.testing.assert_allclose(later[:19], here[1:20], atol=1e-14)


@pytest.mark.parity("two moons", "sklearn.datasets.make_moons")
@pytest.mark.spec("AGE-073", "equals scikit-learn's `make_moons`")
@pytest.mark.parametrize("n", (2, 7, 100))
def test_moons_without_noise_equal_those_of_scikit_learn(n, parity):
    points, labels = make_points("moons", n, 0, noise=0.0)
    wanted, classes = make_moons(n, shuffle=False)
    parity.value(points, wanted, atol=0.0)
    parity.value(labels, classes, atol=0.0)


def test_noise_of_moons_has_the_standard_deviation_asked_for():
    noisy, _ = make_points("moons", 20000, 1, noise=0.2)
    plain, _ = make_points("moons", 20000, 1, noise=0.0)
    assert (noisy - plain).std() == pytest.approx(0.2, rel=0.02)


@pytest.mark.spec("AGE-073", "same seed gives the same bytes")
@given(
    st.sampled_from([*RANDOM, "spiral", "moons"]),
    st.integers(1, 60),
    st.integers(0, 2**40),
)
def test_the_seed_alone_decides(name, half, seed):
    first, again = (make_points(name, 2 * half, seed)[0] for _ in range(2))
    assert first.tobytes() == again.tobytes()
    if name != "spiral":
        assert first.tobytes() != make_points(name, 2 * half, seed + 1)[0].tobytes()


@pytest.mark.parametrize(
    "name, n, words",
    [
        ("ring", 10, "no set is named 'ring'; one of simple, diag"),
        ("xor", 1, "n is 1; xor needs at least 2"),
        ("spiral", 7, "n is 7; spiral needs an even number"),
    ],
)
def test_impossible_points_are_refused(name, n, words):
    with pytest.raises(ValueError, match=words):
        make_points(name, n, 0)


def test_digits_are_balanced_bytes_that_the_seed_decides():
    images, labels = toy_digits(200, 4)
    assert images.shape == (200, 28, 28) and images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [20] * 10
    assert images.tobytes() == toy_digits(200, 4)[0].tobytes()
    assert images.tobytes() != toy_digits(200, 5)[0].tobytes()


def test_digits_can_be_told_apart_but_not_by_their_ink():
    images, labels = toy_digits(2000, 0)
    fresh, wanted = toy_digits(500, 1)
    flat, unseen = (x.reshape(len(x), -1) / 255.0 for x in (images, fresh))
    model = LogisticRegression(max_iter=60, tol=1e-2).fit(flat, labels)
    assert model.score(unseen, wanted) > 0.9
    ink, unseen = flat.mean(1, keepdims=True), unseen.mean(1, keepdims=True)
    assert LogisticRegression().fit(ink, labels).score(unseen, wanted) < 0.35


def test_no_digits_are_refused():
    with pytest.raises(ValueError, match="n is 0; at least 1"):
        toy_digits(0, 0)
