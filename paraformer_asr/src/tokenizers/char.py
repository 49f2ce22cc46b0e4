"""One id per character, the space too: a transcript is spelled."""

from collections.abc import Iterable

from .normalise import Normalise, normalise
from .tokenizer import Tokenizer


class CharTokenizer(Tokenizer):
    kind = "char"

    @classmethod
    def train(cls, texts: Iterable[str], rules: Normalise = "lower") -> "CharTokenizer":
        """Take every character of the normalised `texts`, sorted."""
        found: set[str] = set()
        for text in texts:
            found.update(normalise(text, rules))
        return cls(sorted(found), rules)

    def _cut(self, text: str) -> list[str]:
        return list(text)

    def _join(self, pieces: list[str]) -> str:
        return " ".join("".join(pieces).split())
