"""Multiplication with a scratchpad of partial products.

    question   47*36
    response   24,82=282;12,41=141;20,90,60,10=1692

7 * 6 is 42: digit 2, carry 4. 4 * 6 + 4 is 28: digit 8, carry 2. So 47 * 6 = 282. Then
47 * 3 = 141 in the same way, and 282 + 1410 in columns as in `addition`. A one-digit
second number has one partial product, which is the answer: "47*6" -> "24,82=282".
"""

from typing import Any

import numpy as np

from ...data.draws import integers
from .base import Entry, Key, Problems, Split, check_whole
from .columns import add_columns, multiply_columns, read_result


class Multiplication(Problems):
    """A number of `digits` digits, 1 or 2, times one of `by` digits, no more."""

    name = "multiplication"
    words = "*,;0123456789="

    def __init__(
        self,
        size: int,
        seed: int,
        split: Split = "train",
        *,
        digits: int = 2,
        by: int = 1,
        unique: bool = False,
    ) -> None:
        self.digits = check_whole("digits", digits, 1, 2)
        self.by = check_whole("by", by, 1, self.digits)
        self.width = self.digits + self.by
        self.longest_question = self.width + 1
        self.longest_response = 4 * self.digits + 1
        if self.by == 2:  # two such products, and their sum in columns
            self.longest_response += 4 * self.digits + 1 + 2 + 4 * self.width
        super().__init__(size, seed, split, unique=unique)

    def draw(self, key: Key, indices: np.ndarray) -> list[tuple[str, str]]:
        pairs = zip(
            integers((*key, 0), indices, 10**self.digits).tolist(),
            integers((*key, 1), indices, 10**self.by).tolist(),
            strict=True,
        )
        return [
            (f"{a:0{self.digits}}*{b:0{self.by}}", f"{a * b:0{self.width}}")
            for a, b in pairs
        ]

    def canonical(self, question: str) -> str:
        """The smaller number first: 47*36 and 36*47 are in one split."""
        return "*".join(map(str, sorted(map(int, question.split("*")))))

    def about(self, question: str) -> dict[str, Any]:
        return {"numbers": [int(number) for number in question.split("*")]}

    def demonstrate(self, entry: Entry, rng: np.random.Generator) -> str:
        first, second = entry["metadata"]["numbers"]
        digits = [second // 10**k % 10 for k in range(self.by)]
        parts = [multiply_columns(first, digit, self.digits) for digit in digits]
        if len(parts) == 2:
            low, high = (first * digit for digit in digits)
            parts.append(add_columns(low, 10 * high, self.width, self.width))
        return ";".join(parts)

    def read_answer(self, response: str) -> str | None:
        """The number after the last "=", with all its digits; the rest is not read."""
        return read_result(response, self.width)
