"""Random cases, and how near two answers have to be."""

import numpy as np


CASES = 300


def near(ours, theirs, tolerance=1e-10):
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    assert ours.shape == theirs.shape and not np.isnan(theirs).any()
    error = np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))
    assert error.max() <= tolerance, (ours, theirs)


def near_or_nan(ours, theirs):
    assert np.allclose(ours, theirs, rtol=1e-12, equal_nan=True), (ours, theirs)


def drawn(case: int, least: int = 2):
    """Paired x, z and an unrelated y, of 2 to 13 values, some with heavy tails."""
    rng = np.random.default_rng(case)
    n, m = rng.integers(least, 14, 2)
    x, z = rng.normal(size=n), rng.normal(0.5, 2, size=n)
    return x, z, rng.standard_t(2, size=m) * 10.0 ** rng.integers(-3, 3)


def mean_difference(x, y, axis):
    return np.mean(y, axis=axis) - np.mean(x, axis=axis)
