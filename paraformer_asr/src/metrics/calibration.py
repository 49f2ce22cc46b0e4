"""Is a token that is 90 % sure right nine times out of ten (Guo et al. 2017)?"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .report import Scored


BINS = 10


class Bin(NamedTuple):
    low: float
    high: float
    tokens: int
    confidence: float
    """Mean of the tokens in it; NaN without any."""
    right: float
    """Share of them that is right."""


def calibration_bins(scored: Iterable[Scored]) -> list[Bin]:
    """Tokens that were heard, by confidence, in equally wide bins.

    Utterances without a confidence for each token are left out.
    """
    held: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for utterance in scored:
        heard = [p for p in utterance.pairs if p.hypothesis is not None]
        if len(heard) == len(utterance.confidence):
            for pair, sure in zip(heard, utterance.confidence, strict=True):
                held[min(BINS - 1, int(BINS * sure))].append((sure, pair.right))
    return [
        Bin(i / BINS, (i + 1) / BINS, len(tokens), *_means(tokens))
        for i, tokens in enumerate(held)
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Mean over tokens of |confidence - share right| of their bin; NaN without any."""
    tokens = sum(b.tokens for b in bins)
    if not tokens:
        return float("nan")
    return (
        sum(b.tokens * abs(b.confidence - b.right) for b in bins if b.tokens) / tokens
    )


def _means(tokens: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    if not tokens:
        return float("nan"), float("nan")
    sure, right = zip(*tokens, strict=True)
    return sum(sure) / len(tokens), sum(right) / len(tokens)
