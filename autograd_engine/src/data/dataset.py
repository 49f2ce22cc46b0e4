"""A data set is arrays: what goes in, what should come out, and how a batch is made."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


Transform = Callable[[np.ndarray, np.ndarray, int, int], np.ndarray]
"""(features of a batch, their places in the set, seed, epoch) -> features."""


@dataclass(frozen=True, slots=True, eq=False)
class ArrayDataset:
    """Features and labels with the sample on axis 0; `features[i]` belongs to
    `labels[i]`.

    A list of one-dimensional arrays stands for samples of different lengths.
    """

    features: np.ndarray | list[np.ndarray]
    labels: np.ndarray
    transform: Transform | None = None
    """Applied to the features of each batch; None leaves them as they are."""
    epoch_size: int | None = None
    """Samples an epoch, drawn anew for each; None: all of them, once."""

    def __post_init__(self) -> None:
        if len(self.features) != len(self.labels):
            raise ValueError(
                f"ArrayDataset: {len(self.features)} features but {len(self.labels)} "
                "labels; give one label to each sample"
            )
        if self.epoch_size is not None and not 1 <= self.epoch_size <= len(self):
            raise ValueError(
                f"ArrayDataset: epoch_size is {self.epoch_size}; 1 to {len(self)}, the "
                "samples of the set"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, index: np.ndarray) -> "ArrayDataset":
        """The samples at these places, in this order; copied."""
        if isinstance(self.features, list):
            features = [self.features[i] for i in index]
        else:
            features = self.features[index]
        return ArrayDataset(features, self.labels[index], self.transform)


def fingerprint(*parts: np.ndarray | list[np.ndarray] | str) -> str:
    """SHA-256 of the values, shapes and types, whatever file they came from."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(f"text {len(part)};".encode())
            digest.update(part.encode("utf-8", "surrogatepass"))
            continue
        for array in part if isinstance(part, list) else [part]:
            digest.update(f"{array.dtype.str}{array.shape};".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def hold_out(n: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the training and of `count` validation samples, each ascending.

    The last `count` of a seeded permutation validate: the test set is never used to
    choose anything.
    """
    if not 1 <= count < n:
        raise ValueError(f"hold_out: {count} of {n} samples; 1 to {n - 1}")
    order = np.random.default_rng([seed, HOLD_OUT_KEY]).permutation(n)
    return np.sort(order[:-count]), np.sort(order[-count:])


HOLD_OUT_KEY = 0x5B117  # no other use of the seed draws these numbers
