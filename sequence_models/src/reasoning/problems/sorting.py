"""Sorting by insertion.

    question   4172
    response   4,14,147,1247

The digits that were read so far, in order, one more each time; the last is the answer.
"""

import re

import numpy as np

from ...data.draws import integers
from .base import Entry, Key, Problems, Split, check_whole
from .drawing import places


class Sorting(Problems):
    """`length` digits, 2 to 12; a digit may come more than once."""

    name = "sorting"
    words = ",0123456789"

    def __init__(
        self,
        size: int,
        seed: int,
        split: Split = "train",
        *,
        length: int = 6,
        unique: bool = False,
    ) -> None:
        self.length = check_whole("length", length, 2, 12)
        self.longest_question = self.length
        self.longest_response = self.length * (self.length + 3) // 2 - 1
        super().__init__(size, seed, split, unique=unique)

    def draw(self, key: Key, indices: np.ndarray) -> list[tuple[str, str]]:
        rows = integers(key, places(indices, self.length), 10)
        return [
            ("".join(map(str, row)), "".join(map(str, ordered)))
            for row, ordered in zip(
                rows.tolist(), np.sort(rows, 1).tolist(), strict=True
            )
        ]

    def demonstrate(self, entry: Entry, rng: np.random.Generator) -> str:
        read = entry["question"]
        return ",".join("".join(sorted(read[: k + 1])) for k in range(len(read)))

    def read_answer(self, response: str) -> str | None:
        """The digits after the last ",", if they are as many as in the question."""
        answer = response.rpartition(",")[2]
        return answer if re.fullmatch(f"[0-9]{{{self.length}}}", answer) else None
