"""Labelled texts as batches whose texts are of like length."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from ..utils.contracts import contract
from .buckets import bucketed_order
from .ragged import Ragged
from .windows import Batches, Key, split_keys


class LabelledTexts(Batches):
    """One part: `texts` as ids, `classes` as numbers.

    A batch is {"tokens" int64 (batch time), "pad_mask" bool, True at real tokens,
    "target" int64 (batch)}, as long as its longest text. A text of more than `longest`
    ids keeps the first ones; `cut` says how many texts lost something.
    """

    def __init__(
        self,
        texts: Sequence[Sequence[int]],
        classes: Sequence[int],
        *,
        pad: int,
        longest: int,
    ):
        if len(texts) != len(classes):
            raise ValueError(f"{len(texts)} texts and {len(classes)} classes")
        if longest < 1 or not all(map(len, texts)):
            raise ValueError(f"longest {longest}, and each text: at least 1 token")
        self.rows = Ragged.of([text[:longest] for text in texts])
        self.cut = sum(len(text) > longest for text in texts)
        self.classes = np.asarray(classes, np.int64)
        self.pad = pad

    def __len__(self) -> int:
        return len(self.rows)

    @contract
    def __getitems__(self, keys: list[Key]) -> dict[str, Shaped[Tensor, "batch ..."]]:
        _, indices = split_keys(keys)
        tokens, real = self.rows.padded(indices, self.pad)
        batch = {"tokens": tokens, "pad_mask": real, "target": self.classes[indices]}
        return {name: torch.from_numpy(value) for name, value in batch.items()}

    def order(self, seed: int, epoch: int, batch_size: int) -> np.ndarray:
        """Random, but with texts of like length in a batch."""
        return bucketed_order(self.rows.lengths, seed, epoch, batch_size)
