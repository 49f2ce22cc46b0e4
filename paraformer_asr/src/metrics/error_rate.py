"""Error rates of words, characters and tokens: counts first, the ratio second."""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from .edit_distance import Pair, align


class ErrorCounts(NamedTuple):
    """What is wrong in an alignment, or in many: counts add up, rates do not."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    reference: int = 0
    """Tokens of the reference."""

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def right(self) -> int:
        return self.reference - self.substitutions - self.deletions

    @property
    def rate(self) -> float:
        """Errors by tokens of the reference; may be above 1.

        Of an empty reference NaN where nothing was inserted, else infinity.
        """
        if self.reference:
            return self.errors / self.reference
        return math.inf if self.errors else math.nan

    def plus(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(*(a + b for a, b in zip(self, other, strict=True)))

    def to_dict(self) -> dict[str, float]:
        return {**self._asdict(), "errors": self.errors, "rate": self.rate}


def count_errors(
    reference: Sequence[Hashable], hypothesis: Sequence[Hashable]
) -> ErrorCounts:
    """Errors of one sequence of tokens."""
    return count_pairs(align(reference, hypothesis))


def count_pairs(pairs: Sequence[Pair]) -> ErrorCounts:
    """Errors of an alignment."""
    deletions = sum(pair.hypothesis is None for pair in pairs)
    insertions = sum(pair.reference is None for pair in pairs)
    wrong = sum(not pair.right for pair in pairs)
    substitutions = wrong - deletions - insertions
    return ErrorCounts(substitutions, deletions, insertions, len(pairs) - insertions)


def words(text: str) -> list[str]:
    """What white space separates."""
    return text.split()


def characters(text: str) -> list[str]:
    """Code points, with one space between two words; a space is a character too."""
    return list(" ".join(text.split()))


def wer(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorCounts:
    """Word errors of all pairs of texts."""
    return _total(references, hypotheses, words)


def cer(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorCounts:
    """Character errors of all pairs of texts."""
    return _total(references, hypotheses, characters)


def _total(references: Sequence[str], hypotheses: Sequence[str], split) -> ErrorCounts:
    total = ErrorCounts()
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        total = total.plus(count_errors(split(reference), split(hypothesis)))
    return total
