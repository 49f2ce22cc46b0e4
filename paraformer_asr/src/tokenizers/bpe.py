"""Byte-pair encoding of words into pieces (Sennrich et al. 2016, arXiv 1508.07909).

A word begins with `▁`, which stands for the space before it, as in SentencePiece, and
no merge crosses a word. Joining the pieces and turning `▁` into a space gives the text
back.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ..utils.errors import InputError
from .bpe_train import learn_merges
from .normalise import Normalise, normalise
from .tokenizer import SPECIALS, Tokenizer


SPACE = "\u2581"
DEFAULT_SIZE = 500
CACHED_WORDS = 100_000
NEVER = 1 << 60


class BPETokenizer(Tokenizer):
    """`merges[k]` is the k-th pair of pieces that is joined; its result is a piece."""

    kind = "bpe"

    def __init__(
        self,
        alphabet: Sequence[str],
        merges: Sequence[tuple[str, str]],
        rules: Normalise = "lower",
    ) -> None:
        self.alphabet = tuple(alphabet)
        self.merges = tuple((str(a), str(b)) for a, b in merges)
        known = set(self.alphabet)
        for first, second in self.merges:
            if first not in known or second not in known:
                raise InputError(
                    f"the merges of a tokenizer: {first!r} + {second!r} joins a piece "
                    "that nothing before it makes. Learn the merges again"
                )
            known.add(first + second)
        made = dict.fromkeys(first + second for first, second in self.merges)
        super().__init__([*self.alphabet, *made], rules)
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._cache: dict[str, list[str]] = {}

    @classmethod
    def train(
        cls, texts: Iterable[str], vocab_size: int = 0, rules: Normalise = "lower"
    ) -> "BPETokenizer":
        """Learn merges until there are `vocab_size` ids or no pair occurs twice.

        The characters are sorted; of equally common pairs goes first the one whose left
        piece is older, then whose right piece is. Raises InputError where the
        characters alone need more ids.
        """
        words: Counter[str] = Counter()
        for text in texts:
            words.update(normalise(text, rules).split())
        if SPACE in "".join(words):
            raise InputError(
                f"the training text has the character {SPACE} (U+2581), which stands "
                "for a space in BPE; remove it, or set tokenizer.normalise to lower"
            )
        alphabet = sorted({SPACE}.union(*words))
        least = len(SPECIALS) + len(alphabet)
        size = vocab_size or max(DEFAULT_SIZE, least)
        if size < least:
            raise InputError(
                f"tokenizer.vocab_size = {size}: the characters of the training text "
                f"and the special ids alone are {least}; raise it, or set it to 0"
            )
        number = {character: n for n, character in enumerate(alphabet)}
        chunks = [
            ([number[c] for c in SPACE + word], times) for word, times in words.items()
        ]
        pieces = list(alphabet)
        merges = []
        for a, b in learn_merges(chunks, size - least, len(alphabet)):
            merges.append((pieces[a], pieces[b]))
            pieces.append(pieces[a] + pieces[b])
        return cls(alphabet, merges, rules)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "normalise": self.rules,
            "alphabet": list(self.alphabet),
            "merges": [list(pair) for pair in self.merges],
        }

    def _cut(self, text: str) -> list[str]:
        return [piece for word in text.split() for piece in self._word(word)]

    def _word(self, word: str) -> list[str]:
        pieces = self._cache.get(word)
        if pieces is None:
            pieces = self._merge(list(SPACE + word))
            if len(self._cache) < CACHED_WORDS:
                self._cache[word] = pieces
        return pieces

    def _merge(self, pieces: list[str]) -> list[str]:
        """Join the pair of lowest rank, the leftmost first, until none is left."""
        ranks = self._ranks
        while len(pieces) > 1:
            found = [ranks.get(p, NEVER) for p in zip(pieces, pieces[1:], strict=False)]
            if (best := min(found)) == NEVER:
                break
            first, second = self.merges[best]
            joined, place = [], 0
            while place < len(pieces):
                if pieces[place : place + 2] == [first, second]:
                    joined.append(first + second)
                    place += 2
                else:
                    joined.append(pieces[place])
                    place += 1
            pieces = joined
        return pieces

    def _join(self, pieces: list[str]) -> str:
        return " ".join("".join(pieces).replace(SPACE, " ").split())
