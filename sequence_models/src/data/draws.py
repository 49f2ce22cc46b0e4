"""Random numbers that belong to (seed, epoch, sample, place), many at once.

SplitMix64 (Steele, Lea & Flood 2014; the mixing is Stafford's 13th): its k-th output is
a mixing of k alone, so any of them costs the same and nothing is kept between batches.
The same number comes out whichever batch, worker or rank asks, before and after a
resume.
"""

from functools import lru_cache

import numpy as np


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def bits(key: tuple[int, ...], counter: np.ndarray) -> np.ndarray:
    """64 random bits for each entry of `counter`, uint64; `key` chooses the stream."""
    return mix(_start(key) + (counter.astype(np.uint64) + np.uint64(1)) * _GOLDEN)


def mix(z: np.ndarray) -> np.ndarray:
    """Spread each bit of an array of uint64 over all 64; a bijection."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(key: tuple[int, ...], counter: np.ndarray) -> np.ndarray:
    """A float64 even in [0, 1) for each entry of `counter`."""
    return (bits(key, counter) >> np.uint64(11)) * 2.0**-53


def integers(
    key: tuple[int, ...], counter: np.ndarray, count: int | np.ndarray
) -> np.ndarray:
    """An int64 even in 0 .. count - 1 for each entry of `counter`; count < 2**53."""
    return (uniform(key, counter) * count).astype(np.int64)


@lru_cache(maxsize=256)
def _start(key: tuple[int, ...]) -> np.ndarray:
    return np.random.SeedSequence(key).generate_state(1, np.uint64)
