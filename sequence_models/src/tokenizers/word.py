"""One id per word, words parted by single spaces: for a small closed language.

A number is one token, however many digits it has: a model computes with numbers before
it has learnt to spell them.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from ..utils.errors import InputError
from .tokenizer import Tokenizer, number_specials, utf8


SHOWN = 20  # characters of the text before an unknown word that its error shows


class UnknownWord(InputError):
    """A word that is not in the list from which the tokenizer was made."""


class WordTokenizer(Tokenizer):
    """The words as listed, then the special tokens, which need no space beside them.

    To `token_bytes` the space behind a word belongs to it; the last word of a text has
    none, which `decode` knows.
    """

    kind = "word"

    def __init__(self, words: Sequence[str], specials: Sequence[str] = ()) -> None:
        """Take each word once; raises InputError for one that is empty or in two."""
        self.words = tuple(dict.fromkeys(words))
        for word in self.words:
            if not isinstance(word, str) or not word or " " in word:
                raise InputError(
                    f"the words of a tokenizer: {word!r} is not a text without spaces. "
                    "Give each word for itself"
                )
        numbers = number_specials(specials, len(self.words))
        pieces = [utf8(word) + b" " for word in self.words]
        super().__init__([*pieces, *[b""] * len(numbers)], numbers)
        self._ids = {word: number for number, word in enumerate(self.words)}

    @classmethod
    def train(
        cls, texts: Iterable[str], specials: Sequence[str] = ()
    ) -> "WordTokenizer":
        """Take the words of `texts`, sorted; raises InputError if there are none."""
        found: set[str] = set()
        for text in texts:
            found.update(text.split(" "))
        found.discard("")
        if not found:
            raise InputError(
                "the training text is empty: it has no word to give an id to. "
                "Give a text, or take a tokenizer of kind byte"
            )
        return cls(sorted(found), specials)

    def encode_array(self, text: str, start: int = 0) -> np.ndarray:
        """The ids of `text`; raises UnknownWord, which names the first such."""
        words = text.split(" ") if text else []
        try:
            return np.array([self._ids[word] for word in words], np.int32)
        except KeyError:
            raise self._unknown(words, start) from None

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The words with a space between two of them; special tokens by name.

        Raises ValueError for an id that does not exist.
        """
        numbers = ids.tolist() if hasattr(ids, "tolist") else ids
        runs = []
        for plain, run in groupby(numbers, lambda number: number < len(self.words)):
            text = super().decode_bytes(run)
            runs.append(text[:-1] if plain else text)
        return b"".join(runs)

    def with_specials(self, names: Sequence[str]) -> "WordTokenizer":
        return WordTokenizer(self.words, list(dict.fromkeys([*self.specials, *names])))

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "words": list(self.words),
            "specials": list(self.specials),
        }

    def _unknown(self, words: list[str], start: int) -> UnknownWord:
        number = next(i for i, word in enumerate(words) if word not in self._ids)
        before = " ".join([*words[:number], ""])
        what = f"word {words[number]!r}" if words[number] else "the empty word"
        return UnknownWord(
            f"{what} at position {start + len(before)}, after {before[-SHOWN:]!r}, is "
            f"not one of the {len(self.words)} that this tokenizer knows. Write known "
            "words with one space between two of them, or take a tokenizer of kind "
            "byte, which knows every text"
        )
