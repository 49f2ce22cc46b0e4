"""Points in the plane with two classes: MiniTorch's six sets, and two moons.

The rules are those of MiniTorch's guide (minitorch.github.io, module 0, `datasets`),
the moons those of scikit-learn's `make_moons`.
"""

from typing import Literal, get_args

import numpy as np


PointsName = Literal["simple", "diag", "split", "xor", "circle", "spiral", "moons"]

RULES = {
    "simple": lambda x, y: x < 0.5,
    "diag": lambda x, y: x + y < 0.5,
    "split": lambda x, y: (x < 0.2) | (x > 0.8),
    "xor": lambda x, y: ((x < 0.5) & (y > 0.5)) | ((x > 0.5) & (y < 0.5)),
    "circle": lambda x, y: (x - 0.5) ** 2 + (y - 0.5) ** 2 > 0.1,
}
"""Class 1 is where the rule holds, in the unit square."""


def make_points(
    name: PointsName, n: int, seed: int, *, noise: float = 0.1, phase: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """`n` points, float64 (n, 2), and their classes, int64 (n,); same seed, same bytes.

    The five sets with a rule are uniform in the unit square. `spiral` draws nothing:
    two arms of n/2 points (`n` even), moved along by `phase` steps of one point.
    `moons` are two half circles with Gaussian noise of standard deviation `noise`. The
    classes of spiral and moons are equal in number and stand one after the other.
    """
    if name not in get_args(PointsName):
        known = ", ".join(get_args(PointsName))
        raise ValueError(f"make_points: no set is named {name!r}; one of {known}")
    if n < 2 or (name == "spiral" and n % 2):
        least = "an even number from 2 up" if name == "spiral" else "at least 2"
        raise ValueError(f"make_points: n is {n}; {name} needs {least}")
    if name == "spiral":
        return _spiral(n // 2, phase)
    rng = np.random.default_rng([seed, list(get_args(PointsName)).index(name)])
    if name == "moons":
        points, labels = _moons(n)
        return points + rng.normal(0.0, noise, points.shape), labels
    points = rng.random((n, 2))
    return points, RULES[name](*points.T).astype(np.int64)


def _spiral(half: int, phase: float) -> tuple[np.ndarray, np.ndarray]:
    """(t cos t, t sin t) / 20 about the centre; the other arm is turned by a quarter.

    The first five steps, where the arms touch, are left out.
    """
    t = 10.0 * ((np.arange(half) + 5 + phase) / half)
    first = np.stack([t * np.cos(t), t * np.sin(t)], 1)
    second = np.stack([t * np.sin(t), -t * np.cos(t)], 1)
    return np.concatenate([first, second]) / 20.0 + 0.5, _halves(half, half)


def _moons(n: int) -> tuple[np.ndarray, np.ndarray]:
    outer, inner = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    upper = np.stack([np.cos(outer), np.sin(outer)], 1)
    lower = np.stack([1 - np.cos(inner), 1 - np.sin(inner) - 0.5], 1)
    return np.concatenate([upper, lower]), _halves(n // 2, n - n // 2)


def _halves(first: int, second: int) -> np.ndarray:
    return np.repeat(np.arange(2, dtype=np.int64), [first, second])
