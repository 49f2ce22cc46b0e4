"""N-gram language models: interpolated, modified Kneser-Ney (Chen & Goodman 1998, 4.1).

    p(w | h) = (c(h w) - D(c(h w))) / c(h) + g(h) p(w | h'),   h' is h without its first

c are counts at the highest order and, below it, the number of different words before
(but counts again behind <s>, which nothing can precede); D is one discount for counts
of 1, one for 2, one for 3 and more; g(h) is what they took. Below one word stands the
uniform distribution over all words, <unk> and </s> with them, so that the probabilities
behind each history sum to one.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..utils.errors import InputError
from .arpa import BEGIN, END, UNKNOWN, Gram, read_arpa, write_arpa


class NGram:
    """log p and back-off weights, in nats; any word that it does not have is <unk>.

    p(w | h) is that of the gram h w where there is one; else the weight of h, 1 where
    it has none, times p(w | h').
    """

    def __init__(
        self, order: int, logs: dict[Gram, float], backoffs: dict[Gram, float]
    ):
        self.order, self.logs, self.backoffs = order, logs, backoffs

    @property
    def words(self) -> list[str]:
        """All that may follow a history: <unk> and </s> with them, but not <s>."""
        return sorted(
            gram[0] for gram in self.logs if len(gram) == 1 and gram[0] != BEGIN
        )

    def score(self, history: Sequence[str], word: str) -> float:
        """log p(word | history)."""
        gram = tuple(map(self._known, (*history, word)))[-self.order :]
        weight = 0.0
        while gram not in self.logs:
            if len(gram) == 1:
                return -math.inf
            weight += self.backoffs.get(gram[:-1], 0.0)
            gram = gram[1:]
        return weight + self.logs[gram]

    def score_text(self, words: Sequence[str]) -> float:
        """log p of a whole text, its end included."""
        text = [BEGIN, *words, END]
        return sum(self.score(text[:i], text[i]) for i in range(1, len(text)))

    @classmethod
    def train(cls, texts: Iterable[Sequence[str]], order: int = 3) -> "NGram":
        """From texts of words; InputError for no text, or a word that means its end."""
        if order < 1:
            raise InputError(f"order = {order}: a language model needs 1 or more")
        logs: dict[Gram, float] = {}
        backoffs: dict[Gram, float] = {}
        for grams in _count(texts, order):
            _interpolate(grams, logs, backoffs)
        return cls(order, logs, backoffs)

    @classmethod
    def read(cls, path: Path | str) -> "NGram":
        """From an ARPA file; InputError with file and line for what is none."""
        return cls(*read_arpa(Path(path)))

    def write(self, path: Path | str) -> None:
        """As an ARPA file: log10 to seven digits."""
        write_arpa(Path(path), self.order, self.logs, self.backoffs)

    def _known(self, word: str) -> str:
        return word if (word,) in self.logs or word == BEGIN else UNKNOWN


class TokenLm:
    """A scorer: weight * log p of each token and the end, plus `bonus` for each token.

    `pieces` are a tokenizer's; the model has them as words, with ▁ for a space.
    """

    def __init__(
        self,
        ngram: NGram,
        pieces: Sequence[str],
        weight: float = 0.3,
        bonus: float = 0.0,
    ):
        self.ngram, self.weight, self.bonus = ngram, weight, bonus
        self.words = words_of(pieces)

    def start(self) -> Gram:
        return (BEGIN,)[: self.ngram.order - 1]

    def step(self, state: Gram, token: int) -> tuple[Gram, float]:
        word = self.words[token]
        longer = (*state, word)
        later = longer[max(0, len(longer) - self.ngram.order + 1) :]
        return later, self.weight * self.ngram.score(state, word) + self.bonus

    def finish(self, state: Gram) -> float:
        return self.weight * self.ngram.score(state, END)


def words_of(pieces: Iterable[str]) -> list[str]:
    """Pieces of a tokenizer as the words of a model: no white space inside."""
    return [piece.replace(" ", "▁") for piece in pieces]


def _count(texts: Iterable[Sequence[str]], order: int) -> list[Counter[Gram]]:
    """By length of gram: how often, or below the highest how many words come before."""
    counts: list[Counter[Gram]] = [Counter() for _ in range(order)]
    number = 0
    for number, words in enumerate(texts, start=1):
        for word in words:
            if word in (BEGIN, END):
                raise InputError(
                    f"text {number} has the word {word}, a mark of its ends"
                )
        text = (BEGIN, *words, END)
        # Of each place the longest gram that ends there, and those that begin the text.
        for end in range(1, len(text)):
            counts[min(order, end + 1) - 1][
                text[max(0, end + 1 - order) : end + 1]
            ] += 1
    if not number:
        raise InputError("no text to learn a language model from")
    for size in range(order - 1, 0, -1):
        for gram in counts[size]:
            counts[size - 1][gram[1:]] += 1
    return counts


def _interpolate(
    grams: Counter[Gram], logs: dict[Gram, float], backoffs: dict[Gram, float]
) -> None:
    """Add the grams of one length to a model that has all shorter ones."""
    discounts = _discounts(grams)
    total: Counter[Gram] = Counter()
    taken: dict[Gram, float] = defaultdict(float)
    for gram, count in grams.items():
        total[gram[:-1]] += count
        taken[gram[:-1]] += discounts[min(count, 3)]
    for history in total:
        backoffs[history] = _log(taken[history] / total[history])
    words = {*grams, (END,), (UNKNOWN,)} if () in total else grams
    for gram in words:
        history = gram[:-1]
        own = max(0.0, grams[gram] - discounts[min(grams[gram], 3)]) / total[history]
        shorter = logs[gram[1:]] if history else -math.log(len(words))
        logs[gram] = _log(own + math.exp(backoffs[history] + shorter))
    if () in total:
        del backoffs[()]  # nothing is shorter than one word
        logs[(BEGIN,)] = -math.inf


def _discounts(grams: Counter[Gram]) -> list[float]:
    """D for counts of 0, 1, 2, and 3 or more (eq. 26), from the counts of counts.

    Where these, in small texts, do not give numbers between 0 and the count: 0.5, 1 and
    1.5, as in KenLM.
    """
    n = Counter(min(count, 5) for count in grams.values())
    if all(n[count] for count in (1, 2, 3)):
        y = n[1] / (n[1] + 2 * n[2])
        found = [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
        if all(0 < d < k for k, d in enumerate(found, start=1)):
            return [0.0, *found]
    return [0.0, 0.5, 1.0, 1.5]


def _log(p: float) -> float:
    return math.log(p) if p > 0 else -math.inf
