"""One id per word: for a small closed language, such as spoken digits."""

from collections.abc import Iterable

from .normalise import Normalise, normalise
from .tokenizer import Tokenizer


class WordTokenizer(Tokenizer):
    kind = "word"
    unit = "word"

    @classmethod
    def train(cls, texts: Iterable[str], rules: Normalise = "lower") -> "WordTokenizer":
        """Take every word of the normalised `texts`, sorted."""
        found: set[str] = set()
        for text in texts:
            found.update(normalise(text, rules).split())
        return cls(sorted(found), rules)

    def _cut(self, text: str) -> list[str]:
        return text.split()

    def _join(self, pieces: list[str]) -> str:
        return " ".join(pieces)
