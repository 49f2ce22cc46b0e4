"""Errors of many utterances: which, where, how many, and how far luck goes."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .edit_distance import Pair, align
from .error_rate import ErrorCounts, count_pairs


RESAMPLES = 1000
LENGTHS = 8
"""Rows of the table by length."""


@dataclass(frozen=True, slots=True)
class Scored:
    """An utterance, what was heard, and how both fit each other."""

    id: str
    pairs: tuple[Pair, ...]
    speaker: str = ""
    seconds: float = math.nan
    confidence: tuple[float, ...] = ()
    """Of the tokens that were heard."""

    @property
    def counts(self) -> ErrorCounts:
        return count_pairs(self.pairs)

    @property
    def reference(self) -> list[Hashable]:
        return [p.reference for p in self.pairs if p.reference is not None]

    @property
    def hypothesis(self) -> list[Hashable]:
        return [p.hypothesis for p in self.pairs if p.hypothesis is not None]


def score(
    id: str, reference: Sequence[Hashable], hypothesis: Sequence[Hashable], **known: Any
) -> Scored:
    """Align one utterance; `known` are the other fields of `Scored`."""
    return Scored(id, align(reference, hypothesis), **known)


def inline(pairs: Iterable[Pair], between: str = " ") -> str:
    """One line: what is right as it is, the rest as `(REF->HYP)`, `*` for nothing.

    A space among the differences is shown as `␣`.
    """
    return between.join(
        str(pair.reference)
        if pair.right
        else f"({_token(pair.reference)}->{_token(pair.hypothesis)})"
        for pair in pairs
    )


def total(scored: Iterable[Scored]) -> ErrorCounts:
    """Errors of all utterances together."""
    counts = ErrorCounts()
    for utterance in scored:
        counts = counts.plus(utterance.counts)
    return counts


def confusions(scored: Iterable[Scored]) -> list[tuple[Pair, int]]:
    """What was heard for what, the most frequent first, then in order of the tokens."""
    counts = Counter(pair for s in scored for pair in s.pairs if not pair.right)
    return sorted(counts.items(), key=lambda item: (-item[1], *map(_token, item[0])))


def confusion_table(
    scored: Sequence[Scored],
) -> tuple[list[Hashable | None], list[list[int]]]:
    """Tokens, and how often each (row) was heard as each (column).

    The last row and the last column are None: inserted and deleted tokens.
    """
    counts = Counter(pair for s in scored for pair in s.pairs)
    seen = {token for pair in counts for token in pair if token is not None}
    names = [*sorted(seen, key=str), None]
    return names, [[counts[Pair(row, column)] for column in names] for row in names]


def worst(scored: Iterable[Scored]) -> list[Scored]:
    """Utterances with errors: the most errors first, then the highest rate."""
    wrong = [s for s in scored if s.counts.errors]
    return sorted(wrong, key=lambda s: (-s.counts.errors, -s.counts.rate, s.id))


def by_speaker(scored: Iterable[Scored]) -> dict[str, list[Scored]]:
    """Utterances of each speaker; none where no speaker is known."""
    groups = _grouped(scored, lambda s: s.speaker)
    return {} if list(groups) == [""] else dict(sorted(groups.items()))


def by_length(scored: Sequence[Scored]) -> dict[str, list[Scored]]:
    """Utterances by the tokens of their reference: `3`, or `3-5` where there are many.

    The spans of many lengths hold about as many utterances each.
    """
    groups = _grouped(scored, lambda s: s.counts.reference)
    spans: dict[str, list[Scored]] = {}
    left, open_span = len(scored), []
    for length in sorted(groups):
        open_span.append(length)
        held = sum(len(groups[n]) for n in open_span)
        if len(groups) > LENGTHS and held < left / (LENGTHS - len(spans)):
            continue
        spans[_span(open_span)] = [s for n in open_span for s in groups[n]]
        left, open_span = left - held, []
    return spans


def interval_95(scored: Sequence[Scored], seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the error rate: utterances drawn with replacement.

    It says what other utterances of these speakers would do, not what other speakers
    would. Without any error the upper end is 1 - 0.05^(1/n) of n tokens, the rate that
    would show none in one of twenty such sets. NaN without a token.
    """
    counts = [(s.counts.errors, s.counts.reference) for s in scored]
    table = np.array(counts, dtype=np.int64).reshape(-1, 2)
    errors, tokens = table.sum(0)
    if not tokens:
        return math.nan, math.nan
    if not errors:
        return 0.0, 1 - 0.05 ** (1 / tokens)
    return _bootstrap_95(table, seed)


def difference_interval_95(
    one: Sequence[Scored], other: Sequence[Scored], seed: int = 0
) -> tuple[float, float]:
    """95 % bootstrap interval of the rate of `one` minus that of `other`.

    Both are of the same utterances in the same order, which are drawn together.
    """
    counts = [
        (a.counts.errors - b.counts.errors, a.counts.reference)
        for a, b in zip(one, other, strict=True)
    ]
    table = np.array(counts, dtype=np.int64).reshape(-1, 2)
    if not table[:, 1].sum():
        return math.nan, math.nan
    return _bootstrap_95(table, seed)


def speed(processing_s: float, audio_s: float) -> dict[str, float]:
    """Raw seconds, then RTF = processing by audio, and RTFx = 1 / RTF.

    NaN where it is undefined. Loading and warming up are not to be counted.
    """
    rtf = processing_s / audio_s if audio_s > 0 else math.nan
    rtfx = audio_s / processing_s if processing_s > 0 else math.nan
    return {
        "processing_s": processing_s,
        "audio_s": audio_s,
        "rtf": rtf,
        "rtfx": rtfx,
    }


def _bootstrap_95(table: np.ndarray, seed: int) -> tuple[float, float]:
    """Of the sum of the first column by that of the second, rows drawn anew."""
    rng = np.random.default_rng(seed)
    rates = []
    for _ in range(RESAMPLES):
        errors, tokens = table[rng.integers(len(table), size=len(table))].sum(0)
        if tokens:
            rates.append(errors / tokens)
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)


def _token(token: Hashable | None) -> str:
    if token is None:
        return "*"
    return "␣" if token == " " else str(token)


def _grouped(scored: Iterable[Scored], key: Callable) -> dict[Any, list[Scored]]:
    groups: dict[Any, list[Scored]] = {}
    for utterance in scored:
        groups.setdefault(key(utterance), []).append(utterance)
    return groups


def _span(lengths: Sequence[int]) -> str:
    first, last = lengths[0], lengths[-1]
    return f"{first}" if first == last else f"{first}-{last}"
