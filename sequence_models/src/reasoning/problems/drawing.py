"""Many random draws at once that belong to indices, on top of `data.draws`."""

import numpy as np

from ...data.draws import uniform


def places(indices: np.ndarray, count: int) -> np.ndarray:
    """`count` counters of its own for each index, (indices count)."""
    return indices[:, None] * count + np.arange(count)


def shuffled(key: tuple[int, ...], indices: np.ndarray, count: int) -> np.ndarray:
    """For each index the numbers 0 .. count - 1 in a random order."""
    return uniform(key, places(indices, count)).argsort(1)
