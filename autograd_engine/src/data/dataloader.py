"""Batches in an order that is a pure function of (seed, epoch): a run resumes anywhere.

No worker processes: indexing arrays is faster than sending them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray  # as docs/CONTRACTS.md spells it

from ..utils.contracts import contract
from .dataset import ArrayDataset


ORDER_KEY = 0x0DE5  # no other use of the seed draws these numbers


class Batch(NamedTuple):
    """Samples, their labels and where they come from."""

    features: np.ndarray
    labels: np.ndarray
    index: np.ndarray
    """The place of each sample in the data set."""
    mask: np.ndarray | None = None
    """True at tokens, False at padding; None where all samples are of one length."""


@contract
def epoch_order(n: int, seed: int, epoch: int) -> Int64[ndarray, " {n}"]:
    """The places 0..n-1 in the order of an epoch."""
    return np.random.default_rng([seed, epoch, ORDER_KEY]).permutation(n)


def count_batches(
    dataset: ArrayDataset, batch_size: int, drop_last: bool = False
) -> int:
    """How many batches an epoch has."""
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; at least 1")
    samples = dataset.epoch_size or len(dataset)
    return samples // batch_size if drop_last else -(-samples // batch_size)


def batches(
    dataset: ArrayDataset,
    batch_size: int,
    seed: int,
    epoch: int,
    start: int = 0,
    drop_last: bool = False,
    shuffle: bool = True,
) -> Iterator[Batch]:
    """The batches of an epoch from number `start` on; earlier ones cost nothing.

    The last one holds what remains, unless `drop_last`. Without `shuffle` the samples
    come in their own order.
    """
    count = count_batches(dataset, batch_size, drop_last)
    if not 0 <= start <= count:
        raise ValueError(
            f"batches: start is {start}; the epoch has {count} batches of {batch_size}"
        )
    return _batches(dataset, batch_size, seed, epoch, range(start, count), shuffle)


def _batches(
    dataset: ArrayDataset,
    batch_size: int,
    seed: int,
    epoch: int,
    numbers: range,
    shuffle: bool,
) -> Iterator[Batch]:
    order = epoch_order(len(dataset), seed, epoch) if shuffle else None
    samples = dataset.epoch_size or len(dataset)
    for number in numbers:
        places = np.arange(number * batch_size, min((number + 1) * batch_size, samples))
        index = places if order is None else order[places]
        features, mask = dataset.features, None
        if isinstance(features, list):
            features, mask = pad_batch([features[i] for i in index])
        else:
            features = features[index]
        if dataset.transform is not None:
            features = dataset.transform(features, index, seed, epoch)
        yield Batch(features, dataset.labels[index], index, mask)


@contract
def pad_batch(
    sequences: Sequence[np.ndarray], pad: int = 0
) -> tuple[Int64[ndarray, "batch tokens"], Bool[ndarray, "batch tokens"]]:
    """Sequences of ids behind one another, filled up with `pad` to the longest.

    The mask is True where a token stands.
    """
    lengths = np.array([len(sequence) for sequence in sequences], np.int64)
    tokens = int(lengths.max(initial=0))
    mask = np.arange(tokens) < lengths[:, None]
    ids = np.full(mask.shape, pad, np.int64)
    if tokens:
        ids[mask] = np.concatenate(sequences)
    return ids, mask
