"""Addition with the carries written out.

    question   27+58
    response   51,80=085

7+8 is 15: digit 5, carry 1. 2+5+1 is 8: digit 8, carry 0. Then the sum, with one digit
more than the numbers. All numbers have leading zeros, so every question is as long.
"""

from typing import Any

import numpy as np

from ...data.draws import integers
from .base import Entry, Key, Problems, Split, check_whole
from .columns import add_columns, read_result


class Addition(Problems):
    """Two numbers of `digits` digits, 1 to 4."""

    name = "addition"
    words = "+,0123456789="

    def __init__(
        self,
        size: int,
        seed: int,
        split: Split = "train",
        *,
        digits: int = 2,
        unique: bool = False,
    ) -> None:
        self.digits = check_whole("digits", digits, 1, 4)
        self.longest_question = 2 * self.digits + 1
        self.longest_response = 4 * self.digits + 1
        super().__init__(size, seed, split, unique=unique)

    def draw(self, key: Key, indices: np.ndarray) -> list[tuple[str, str]]:
        n, count = self.digits, 10**self.digits
        pairs = zip(
            integers((*key, 0), indices, count).tolist(),
            integers((*key, 1), indices, count).tolist(),
            strict=True,
        )
        return [(f"{a:0{n}}+{b:0{n}}", f"{a + b:0{n + 1}}") for a, b in pairs]

    def canonical(self, question: str) -> str:
        """The smaller number first: 27+58 and 58+27 are in one split."""
        return "+".join(sorted(question.split("+")))

    def about(self, question: str) -> dict[str, Any]:
        first, second = map(int, question.split("+"))
        return {"numbers": [first, second], "digits": self.digits}

    def demonstrate(self, entry: Entry, rng: np.random.Generator) -> str:
        first, second = entry["metadata"]["numbers"]
        return add_columns(first, second, self.digits, self.digits + 1)

    def read_answer(self, response: str) -> str | None:
        """The number after the last "=", with all its digits; the rest is not read."""
        return read_result(response, self.digits + 1)
