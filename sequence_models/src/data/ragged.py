"""Rows of different lengths in one flat array, given out as padded matrices."""

from collections.abc import Sequence

import numpy as np


class Ragged:
    """Rows of ids one after another; `lengths` says where each ends."""

    def __init__(self, flat: np.ndarray, lengths: np.ndarray):
        self.flat, self.lengths = flat, np.asarray(lengths, np.int64)
        self.starts = np.cumsum(self.lengths) - self.lengths
        if self.lengths.sum() != len(flat):
            raise ValueError(
                f"rows of {self.lengths.sum()} ids in all, {len(flat)} given"
            )

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> "Ragged":
        """From lists or arrays of ids."""
        lengths = np.array([len(row) for row in rows], np.int64)
        parts = [np.asarray(row, np.int64) for row in rows]
        return cls(np.concatenate(parts) if parts else np.empty(0, np.int64), lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.flat[self.starts[index] :][: self.lengths[index]]

    def padded(self, indices: np.ndarray, fill: int) -> tuple[np.ndarray, np.ndarray]:
        """These rows as int64 (batch time), and where they are not `fill`ed up."""
        lengths = self.lengths[indices]
        real = np.arange(lengths.max(initial=0)) < lengths[:, None]
        matrix = np.full(real.shape, fill, np.int64)
        # Row by row the real places are those of the flat ids, in the same order.
        first = np.repeat(
            self.starts[indices] - (np.cumsum(lengths) - lengths), lengths
        )
        matrix[real] = self.flat[first + np.arange(len(first))]
        return matrix, real
