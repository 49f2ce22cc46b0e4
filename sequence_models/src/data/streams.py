"""Batches that continue one another, for truncated back-propagation through time.

The text is cut into `batch_size` parts of equal length (to a token); row r of every
batch is the next window of part r, so that a recurrent model carries its memory from a
batch to the next (Mikolov et al. 2010; char-rnn).
"""

import numpy as np
import torch
from torch import Tensor

from ..utils.contracts import contract
from ..utils.errors import InputError
from .windows import Batch, Batches, Key, as_array, clipped_windows, split_keys


class Streams(Batches):
    """Sample i is window i // batch_size of part i % batch_size; `order` keeps it so.

    A batch has besides "tokens" and "targets" the bool "first" (batch): True where a
    part begins, so that the memory must be empty. In an epoch every token but the first
    is a target exactly once; the last windows are filled up with targets -100. With
    `samples` an epoch is that many windows, up to a multiple of `batch_size`, and the
    next one goes on where it ended.
    InputError where a part would be shorter than a window.
    """

    def __init__(
        self,
        tokens: Tensor | np.ndarray,
        block: int,
        batch_size: int,
        samples: int = 0,
    ):
        if block < 1 or batch_size < 1:
            raise ValueError(f"block {block}, batch_size {batch_size}; at least 1")
        self.tokens, self.block = as_array(tokens), block
        self.batch_size = batch_size
        targets = len(self.tokens) - 1
        if targets < batch_size * block:
            raise InputError(
                f"{batch_size} parts with windows of {block} tokens need a text of "
                f"{batch_size * block + 1} tokens at least, this one has "
                f"{len(tokens)}; lower data.batch_size or data.block"
            )
        self.edges = np.arange(batch_size + 1) * targets // batch_size
        self.steps = -(-int(np.diff(self.edges).max()) // block)
        self.steps_per_epoch = -(-samples // batch_size) or self.steps

    def __len__(self) -> int:
        return self.steps_per_epoch * self.batch_size

    @contract
    def __getitems__(self, keys: list[Key]) -> Batch:
        epoch, indices = split_keys(keys)
        step, row = np.divmod(indices, self.batch_size)
        step = (step + epoch * self.steps_per_epoch) % self.steps
        starts = self.edges[row] + step * self.block
        batch = clipped_windows(self.tokens, starts, self.edges[row + 1], self.block)
        return batch | {"first": torch.from_numpy(step == 0)}

    def order(self, seed: int, epoch: int, batch_size: int) -> range:
        """As they stand: shuffled windows would not continue one another."""
        if batch_size != self.batch_size:
            raise ValueError(f"batch_size {batch_size}; streams of {self.batch_size}")
        return range(len(self))
