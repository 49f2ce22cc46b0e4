"""Batches of samples of like length, in random order, so that little is padding."""

import numpy as np

from ..utils.seed import keyed_rng


POOL = 32
"""Batches whose samples are sorted by length together."""


def bucketed_order(
    lengths: np.ndarray, seed: int, epoch: int, batch_size: int
) -> np.ndarray:
    """Each sample once, int64, a pure function of (seed, epoch).

    The shuffled samples are sorted within pools of POOL batches, and the batches are
    shuffled. Samples that fill no batch come last and are random ones, not the longest.
    """
    rng = keyed_rng(seed, epoch)
    order = rng.permutation(len(lengths))
    whole = len(order) - len(order) % batch_size
    body, rest = order[:whole], order[whole:]
    pool = np.arange(whole) // (POOL * batch_size)
    body = body[np.lexsort((lengths[body], pool))]
    batches = body.reshape(-1, batch_size)
    return np.concatenate([rng.permutation(batches).reshape(-1), rest])
