"""Windows of one long text: at random places to train on, side by side to score.

`tokens` is a tensor of ids or a memmap of `memmap.open_tokens`; of a memmap only the
pages under the windows are read. A batch is {"tokens", "targets"}, both int64 (batch
block); a target of -100 is not scored.
"""

import numpy as np
import torch
from jaxtyping import Int64, Shaped
from torch import Tensor
from torch.utils.data import Dataset

from ..utils.contracts import contract
from ..utils.errors import InputError
from .draws import integers


IGNORED = -100
"""A target that counts in no loss and no metric, as `cross_entropy` has it."""

Key = tuple[int, int]
"""(epoch, index): what a sample is asked for by."""

Batch = dict[str, Shaped[Tensor, "batch ..."]]
"""What `__getitems__` makes; each class says which tensors."""


class Batches(Dataset):
    """A dataset that makes a batch at once from the (epoch, index) of its samples.

    `__getitems__` is given keys of one epoch.
    """

    def __getitem__(self, key: Key) -> dict[str, Tensor]:
        return {name: value[0] for name, value in self.__getitems__([key]).items()}

    @staticmethod
    def collate(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Nothing is left to do for what `__getitems__` has made."""
        return batch


class RandomWindows(Batches):
    """`samples` windows an epoch, each at a random place (nanoGPT's `get_batch`).

    Where the window of (epoch, index) begins is a pure function of them and the seed.
    InputError where the text has fewer than block + 1 tokens.
    """

    def __init__(
        self, tokens: Tensor | np.ndarray, block: int, samples: int, seed: int
    ):
        check_length(tokens, block)
        self.tokens, self.block = as_array(tokens), block
        self.samples, self.seed = samples, seed

    def __len__(self) -> int:
        return self.samples

    @contract
    def __getitems__(
        self, keys: list[Key]
    ) -> dict[str, Int64[Tensor, "batch {self.block}"]]:
        epoch, indices = split_keys(keys)
        places = len(self.tokens) - self.block
        starts = integers((self.seed, epoch), indices, places)
        return windows(self.tokens, starts, self.block)


class EveryWindow(Batches):
    """Windows side by side: every token but the first is a target exactly once.

    The last window is filled up with id 0 and targets -100. InputError below 2 tokens.
    """

    def __init__(self, tokens: Tensor | np.ndarray, block: int):
        check_length(tokens, 1)
        if block < 1:
            raise ValueError(f"block is {block}; at least 1")
        self.tokens, self.block = as_array(tokens), block

    def __len__(self) -> int:
        return -(-(len(self.tokens) - 1) // self.block)

    @contract
    def __getitems__(
        self, keys: list[Key]
    ) -> dict[str, Int64[Tensor, "batch {self.block}"]]:
        _, indices = split_keys(keys)
        starts = indices * self.block
        ends = np.full(len(starts), len(self.tokens) - 1)
        return clipped_windows(self.tokens, starts, ends, self.block)


def windows(tokens: np.ndarray, starts: np.ndarray, block: int) -> dict[str, Tensor]:
    """Whole windows beginning at `starts`, and as targets the same one token later."""
    places = np.lib.stride_tricks.sliding_window_view(tokens, block + 1)
    rows = places[starts]  # copied row by row: faster than a matrix of places
    return {
        "tokens": torch.from_numpy(rows[:, :-1].astype(np.int64)),
        "targets": torch.from_numpy(rows[:, 1:].astype(np.int64)),
    }


def clipped_windows(
    tokens: np.ndarray, starts: np.ndarray, ends: np.ndarray, block: int
) -> dict[str, Tensor]:
    """Windows that stop before input position `ends` of their row, then filled up."""
    places = starts[:, None] + np.arange(block)
    real = places < ends[:, None]
    places = np.where(real, places, 0)
    return {
        "tokens": torch.from_numpy(np.where(real, tokens[places], 0).astype(np.int64)),
        "targets": torch.from_numpy(
            np.where(real, tokens[places + 1].astype(np.int64), IGNORED)
        ),
    }


def split_keys(keys: list[Key]) -> tuple[int, np.ndarray]:
    """The epoch of all keys, and their indices."""
    return keys[0][0], np.array([index for _, index in keys], np.int64)


def as_array(tokens: Tensor | np.ndarray) -> np.ndarray:
    """The same memory as numpy sees it; ids are one axis of whole numbers."""
    array = tokens.numpy() if isinstance(tokens, Tensor) else tokens
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"tokens are {array.dtype} {array.shape}; one axis of ids")
    return array


def check_length(tokens: Tensor | np.ndarray, block: int) -> None:
    """Raise InputError unless a window of `block` tokens and a target fit."""
    if block < 1:
        raise ValueError(f"block is {block}; at least 1")
    if len(tokens) <= block:
        raise InputError(
            f"a window of {block} tokens and the one after it need a text of "
            f"{block + 1} at least, this part has {len(tokens)}; lower data.block"
        )
