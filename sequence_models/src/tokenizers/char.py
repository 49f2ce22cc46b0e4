"""One id per character: the smallest vocabulary that a reader can check by eye."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..utils.errors import InputError
from .tokenizer import Tokenizer, number_specials, utf8


class UnknownCharacter(InputError):
    """A character that was not in the text from which the tokenizer was made."""


class CharTokenizer(Tokenizer):
    """Characters in the order of their code points, then the special tokens."""

    kind = "char"

    def __init__(self, characters: str, specials: Sequence[str] = ()) -> None:
        self.characters = "".join(sorted(set(characters)))
        numbers = number_specials(specials, len(self.characters))
        super().__init__([*map(utf8, self.characters), *[b""] * len(numbers)], numbers)
        codes = _code_points(self.characters)
        self._ids = np.full(int(codes.max(initial=0)) + 2, -1, np.int32)
        self._ids[codes] = np.arange(len(codes))

    @classmethod
    def train(
        cls, texts: Iterable[str], specials: Sequence[str] = ()
    ) -> "CharTokenizer":
        """Take the characters of `texts`; raises InputError if there are none."""
        found: set[str] = set()
        for text in texts:
            found.update(text)
        if not found:
            raise InputError(
                "the training text is empty: it has no character to give an id to. "
                "Give a text, or take a tokenizer of kind byte"
            )
        return cls("".join(found), specials)

    def encode_array(self, text: str, start: int = 0) -> np.ndarray:
        """The ids of `text`; raises UnknownCharacter, which names the first such."""
        ids = self._ids.take(_code_points(text), mode="clip")  # the last one is -1
        if ids.min(initial=0) < 0:
            raise self._unknown(text, int((ids < 0).argmax()), start)
        return ids

    def with_specials(self, names: Sequence[str]) -> "CharTokenizer":
        return CharTokenizer(
            self.characters, list(dict.fromkeys([*self.specials, *names]))
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "characters": self.characters,
            "specials": list(self.specials),
        }

    def _unknown(self, text: str, where: int, start: int) -> UnknownCharacter:
        character, before = text[where], text[max(0, where - 20) : where]
        shown = repr(character) if character.isprintable() else ascii(character)
        name = unicodedata.name(character, "without a name")
        return UnknownCharacter(
            f"character {shown} (U+{ord(character):04X}, {name}) at position "
            f"{start + where}, after {before!r}, is not one of the "
            f"{len(self.characters)} that this tokenizer knows. Remove it, or train "
            "with a tokenizer of kind byte or bpe, which knows every character"
        )


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
