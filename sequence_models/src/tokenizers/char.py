"""One id per character: the smallest vocabulary that a reader can check by eye."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..utils.errors import InputError
from .tokenizer import Tokenizer, number_specials, utf8


class UnknownCharacter(InputError):
    """A character that the text the tokenizer was built from did not have."""


class CharTokenizer(Tokenizer):
    """Characters in the order of their code points, then the special tokens."""

    def __init__(self, characters: str, specials: Sequence[str] = ()) -> None:
        """Take `characters`, each once."""
        self.characters = "".join(sorted(set(characters)))
        numbers = number_specials(specials, len(self.characters))
        super().__init__([*map(utf8, self.characters), *[b""] * len(numbers)], numbers)
        codes = _code_points(self.characters)
        self._ids = np.full(int(codes.max(initial=0)) + 1, -1, np.int32)
        self._ids[codes] = np.arange(len(codes))

    @classmethod
    def train(cls, texts: Iterable[str], specials: Sequence[str] = ()):
        """The characters of `texts`."""
        found: set[str] = set()
        for text in texts:
            found.update(text)
        return cls("".join(found), specials)

    def encode_array(self, text: str) -> np.ndarray:
        """The ids of `text`; raises UnknownCharacter, which names the first such."""
        codes = _code_points(text)
        ids = self._ids.take(codes, mode="clip")
        wrong = (ids < 0) | (codes >= len(self._ids))
        if wrong.any():
            raise self._unknown(text, int(wrong.argmax()))
        return ids

    def encode_bytes(self, data: bytes) -> list[int]:
        """The ids of UTF-8 `data` of known characters."""
        return self.encode(data.decode("utf-8", "surrogateescape"))

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "char",
            "characters": self.characters,
            "specials": list(self.specials),
        }

    def _unknown(self, text: str, position: int) -> UnknownCharacter:
        character = text[position]
        name = unicodedata.name(character, "no name")
        shown = repr(character) if character.isprintable() else ascii(character)
        line = text.count("\n", 0, position) + 1
        return UnknownCharacter(
            f"character {shown} (U+{ord(character):04X}, {name}) at position {position}, "
            f"line {line}, is not among the {len(self.characters)} characters of this "
            "tokenizer. Remove it, or take a tokenizer of kind byte or bpe: these know "
            "every character"
        )


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
