"""What a model is trained and scored on: a batch of utterances, padded at the right."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from ..utils.contracts import contract


Key = tuple[int, int]
"""(epoch, index): what a sample is asked for by."""

Batch = dict[str, Any]
"""`features` float32 (batch frames mels), zero behind `feature_lengths` int64 (batch);
`tokens` int64 (batch tokens), 0 behind `token_lengths`; `id`, `text`, `speaker`."""


class Samples(Dataset):
    """A dataset that makes a batch at once from the (epoch, index) of its samples."""

    def __getitem__(self, key: Key) -> dict[str, Any]:
        return {name: value[0] for name, value in self.__getitems__([key]).items()}

    def __getitems__(self, keys: list[Key]) -> Batch:
        raise NotImplementedError

    @staticmethod
    def collate(batch: Batch) -> Batch:
        """Nothing is left to do for what `__getitems__` has made."""
        return batch


@contract
def make_batch(
    features: list[Float[Tensor, "_ mels"]],
    tokens: list[list[int]],
    ids: list[str],
    texts: list[str],
    speakers: list[str],
) -> Batch:
    """Put the samples into one batch dict, padded with zeros at the right."""
    frames = torch.tensor([len(rows) for rows in features])
    counts = torch.tensor([len(row) for row in tokens])
    longest, width = int(frames.max()), features[0].shape[1]
    padded = torch.zeros(len(features), longest, width)
    for row, sample in zip(padded, features, strict=True):
        row[: len(sample)] = sample
    numbers = torch.zeros(len(tokens), int(counts.max()), dtype=torch.int64)
    for row, sample in zip(numbers, tokens, strict=True):
        row[: len(sample)] = torch.tensor(sample, dtype=torch.int64)
    return {
        "features": padded,
        "feature_lengths": frames,
        "tokens": numbers,
        "token_lengths": counts,
        "id": ids,
        "text": texts,
        "speaker": speakers,
    }
