"""Batches of samples of similar length, as large as a number of padded frames allows.

Sorted by length, the samples are cut into buckets of equal count (quantiles) and
shuffled inside them; a batch takes the next ones, so many that the longest of its
bucket times their number is within the budget. The sizes are settled once: every epoch
has as many batches of the same sizes, and each rank as many samples of each.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ..utils.errors import InputError
from ..utils.seed import keyed_rng


Lengths = Callable[[int], np.ndarray]
"""Epoch -> frames of each sample; of a fixed data set the same in all epochs."""

MOST_BUCKETS = 16
BATCHES_EACH = 4
"""Batches that a bucket should hold at least, so that its shuffling mixes them."""


class Buckets:
    """The `order` of a dataset that makes its own batches: see `EpochBatches`.

    Where lengths change with the epoch, those of epoch 0 settle the sizes.
    """

    def __init__(self, lengths: Lengths, budget: int):
        """Raises InputError where the longest sample alone is beyond the budget."""
        self.lengths, self.budget = lengths, budget
        self._first = np.sort(lengths(0))
        if len(self._first) and self._first[-1] > budget:
            raise InputError(
                f"data.batch_frames = {budget}: the longest sample has "
                f"{self._first[-1]} frames; raise it, or lower data.max_seconds"
            )
        self.sizes = lru_cache(maxsize=None)(self._sizes)

    def count(self, world: int) -> int:
        """Batches in each epoch."""
        return len(self.sizes(world))

    def batches(self, seed: int, epoch: int, world: int) -> list[list[int]]:
        """The samples of each batch of an epoch, over all ranks."""
        rng = keyed_rng(seed, epoch)
        lengths = self.lengths(epoch)
        mixed = rng.permutation(len(lengths))  # equal lengths in any order
        order = mixed[np.argsort(lengths[mixed], kind="stable")]
        for first, last in zip(self._cuts(), self._cuts()[1:], strict=False):
            rng.shuffle(order[first:last])
        ends = np.cumsum([0, *self.sizes(world)])
        parts = [order[a:b] for a, b in zip(ends, ends[1:], strict=False)]
        return [parts[place].tolist() for place in rng.permutation(len(parts))]

    def _cuts(self) -> list[int]:
        """Where the buckets begin and end among the sorted samples."""
        n, frames = len(self._first), int(self._first.sum())
        batches = -(-frames // self.budget)
        buckets = min(MOST_BUCKETS, n, max(1, batches // BATCHES_EACH))
        return [n * k // buckets for k in range(buckets + 1)]

    def _sizes(self, world: int) -> tuple[int, ...]:
        """Samples in each batch, a multiple of `world`, the shortest first."""
        cuts, n = self._cuts(), len(self._first)
        longest = np.empty(n, np.int64)  # of the bucket of each place
        for first, last in zip(cuts, cuts[1:], strict=False):
            longest[first:last] = max(1, self._first[last - 1])
        if n >= world and longest[-1] * world > self.budget:
            raise InputError(
                f"data.batch_frames = {self.budget}: {world} processes need at least "
                f"{longest[-1] * world}, the longest sample in each; raise it"
            )
        sizes, place = [], 0
        while n - place >= world:
            size = min(self.budget // longest[place], n - place)
            while size > world and longest[place + size - 1] * size > self.budget:
                size -= 1
            sizes.append(int(max(world, size - size % world)))
            place += sizes[-1]
        return tuple(sizes)
