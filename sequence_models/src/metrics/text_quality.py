"""What can be said of generated text without reading it, beside the same of real text.

No figure means much alone: a text that copies its training text has perfect words, and
noise never repeats itself. A word is a run of letters, digits and inner apostrophes in
lower case.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from ..data.overlap import longest_copy


WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def quality(
    texts: Sequence[str], train: str, vocabulary: Collection[str] | None = None
) -> dict[str, float]:
    """Every figure for these texts; `train` is what the model was trained on.

    `vocabulary`: the words of `train`, where they are known already. Figures of texts
    of different lengths do not compare: distinct-n falls with the length.
    """
    cut = [words(text) for text in texts]
    known = set(words(train)) if vocabulary is None else vocabulary
    copies = [longest_copy(text, train).length for text in texts]
    return {
        **{f"distinct_{n}": distinct(cut, n) for n in (1, 2, 3)},
        "rep_4": repetition(cut, 4),
        "self_bleu": self_bleu(cut),
        "word_validity": word_validity(cut, known),
        "longest_copy": max(copies, default=0),
        "mean_copy": sum(copies) / len(copies) if copies else math.nan,
    }


MEANING = {
    "distinct_1": "different words / words",
    "distinct_2": "different pairs of words / pairs",
    "distinct_3": "different triples / triples",
    "rep_4": "share of 4-grams that stood in the text before",
    "self_bleu": "BLEU-4 of a text against the others: 1 is all alike",
    "word_validity": "share of words that the training text has",
    "longest_copy": "characters in a row from the training text, at most",
    "mean_copy": "the same, mean over the texts",
}


def distinct(texts: Iterable[Sequence], n: int) -> float:
    """Different n-grams over n-grams, of all texts together (Li et al. 2016)."""
    grams = [gram for text in texts for gram in ngrams(text, n)]
    return len(set(grams)) / len(grams) if grams else math.nan


def repetition(texts: Iterable[Sequence], n: int = 4) -> float:
    """The share of n-grams that stood before in the same text (Welleck et al. 2020)."""
    total = first = 0
    for text in texts:
        grams = ngrams(text, n)
        total, first = total + len(grams), first + len(set(grams))
    return 1 - first / total if total else math.nan


def self_bleu(texts: Sequence[Sequence], n: int = 4) -> float:
    """The mean BLEU of each text against all others (Zhu et al. 2018, Texygen)."""
    if len(texts) < 2:
        return math.nan
    scores = [
        bleu(text, [*texts[:i], *texts[i + 1 :]], n) for i, text in enumerate(texts)
    ]
    return sum(scores) / len(scores)


def bleu(text: Sequence, references: Sequence[Sequence], n: int = 4) -> float:
    """BLEU of one text, not smoothed (Papineni et al. 2002).

    BP exp(sum of log p_k / n), k = 1..n: p_k is the share of k-grams of the text that a
    reference has, counted no more often than in the reference that has it most; BP =
    exp(1 - r / c) if c < r, with c the length and r the nearest length of a reference,
    the shorter of two. 0 if a p_k is 0 or the text has no n-gram.
    """
    logs = 0.0
    for k in range(1, n + 1):
        counts = Counter(ngrams(text, k))
        most: Counter = Counter()
        for reference in references:
            most |= Counter(ngrams(reference, k))
        matched = (counts & most).total()
        if not matched:
            return 0.0
        logs += math.log(matched / counts.total())
    nearest = min((abs(len(r) - len(text)), len(r)) for r in references)[1]
    brevity = min(0.0, 1 - nearest / len(text))
    return math.exp(brevity + logs / n)


def word_validity(texts: Iterable[Sequence[str]], known: Collection[str]) -> float:
    """The share of words that are `known`."""
    found = [word in known for text in texts for word in text]
    return sum(found) / len(found) if found else math.nan


def ngrams(text: Sequence, n: int) -> list[tuple]:
    return list(zip(*(text[i:] for i in range(n)), strict=False))
