"""What every tokenizer can do, and how special tokens are told from plain text."""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from ..utils.errors import InputError


class Tokenizer(ABC):
    """Text to ids and back; ids are 0 .. vocab_size - 1, special tokens included."""

    specials: dict[str, int]

    def __init__(self, pieces: Sequence[bytes], specials: dict[str, int]) -> None:
        """Keep the bytes of each id, and the name and id of each special token."""
        self.specials = dict(specials)
        self._pieces = list(pieces)
        for name, number in self.specials.items():
            self._pieces[number] = name.encode()

    @property
    def vocab_size(self) -> int:
        return len(self._pieces)

    @abstractmethod
    def encode_array(self, text: str) -> np.ndarray:
        """The ids of plain text as int32; the fast way for a whole corpus."""

    @abstractmethod
    def encode_bytes(self, data: bytes) -> list[int]:
        """The ids of any bytes; `decode_bytes` gives exactly these bytes back."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain values from which `from_dict` builds an equal tokenizer."""

    def encode(
        self,
        text: str,
        allowed_special: Collection[str] | Literal["all"] = frozenset(),
    ) -> list[int]:
        """The ids of `text`; a special token's name is plain text unless allowed."""
        if not allowed_special:
            return self.encode_array(text).tolist()
        allowed = self._allowed(allowed_special)
        ids: list[int] = []
        for piece in cut_at(text, allowed):
            if piece in allowed:
                ids.append(self.specials[piece])
            else:
                ids += self.encode_array(piece).tolist()
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; bytes that are not UTF-8 become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The exact bytes of `ids` (a list, an array, a tensor); specials by name."""
        numbers = np.asarray(ids).reshape(-1).tolist()
        if numbers and not 0 <= min(numbers) <= max(numbers) < self.vocab_size:
            wrong = next(n for n in numbers if not 0 <= n < self.vocab_size)
            raise ValueError(f"id {wrong} is not one of 0 .. {self.vocab_size - 1}")
        return b"".join(map(self._pieces.__getitem__, numbers))

    def token_bytes(self) -> list[bytes]:
        """The bytes that each id stands for; none for a special token."""
        special = set(self.specials.values())
        return [b"" if i in special else p for i, p in enumerate(self._pieces)]

    def _allowed(self, names: Collection[str] | Literal["all"]) -> set[str]:
        allowed = set(self.specials) if names == "all" else set(names)
        if unknown := allowed - set(self.specials):
            raise ValueError(
                f"{sorted(unknown)} are not special tokens; these are: "
                f"{sorted(self.specials)}"
            )
        return allowed


def cut_at(text: str, names: Collection[str]) -> Iterator[str]:
    """The parts of `text` at and between `names`; the longer of two that begin alike."""
    if not names:
        yield text
        return
    longest_first = sorted(names, key=len, reverse=True)
    pattern = "|".join(map(re.escape, longest_first))
    yield from filter(None, re.split(f"({pattern})", text))


def number_specials(names: Sequence[str], first: int) -> dict[str, int]:
    """Ids from `first` on, in the order of `names`; raises InputError on a bad name."""
    for name in names:
        if not name or list(names).count(name) > 1:
            raise InputError(
                f"special tokens {list(names)}: {name!r} is empty or stands twice. "
                "Give each a name of its own, such as <|bos|>"
            )
    return {name: first + i for i, name in enumerate(names)}


def utf8(text: str) -> bytes:
    """The bytes of `text`; a byte that was read with `surrogateescape` comes back."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise InputError(
            f"character {error.start} of the text is half of a surrogate pair, "
            f"U+{ord(text[error.start]):04X}, which no UTF-8 can hold. Remove it"
        ) from None
