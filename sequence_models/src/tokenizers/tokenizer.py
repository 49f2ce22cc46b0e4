"""What every tokenizer can do, and how special tokens are told from plain text."""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from ..utils.errors import InputError


class Tokenizer(ABC):
    """Text to ids and back; ids are 0 .. vocab_size - 1, special tokens included."""

    kind: str  # char, word, byte or bpe, as in `TokenizerConfig`
    specials: dict[str, int]

    def __init__(self, pieces: Sequence[bytes], specials: dict[str, int]) -> None:
        """Keep the bytes of each id, and the id of each special token by its name."""
        self.specials = dict(specials)
        self._pieces = list(pieces)
        for name, number in self.specials.items():
            self._pieces[number] = utf8(name)

    @property
    def vocab_size(self) -> int:
        return len(self._pieces)

    @abstractmethod
    def encode_array(self, text: str, start: int = 0) -> np.ndarray:
        """The ids of plain text as int32; the fast way for a whole corpus.

        `start` is where `text` begins in what the user gave, for messages.
        """

    @abstractmethod
    def with_specials(self, names: Sequence[str]) -> "Tokenizer":
        """The same with those of the special tokens that it lacks, at the end."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain values from which `from_dict` builds an equal tokenizer."""

    def encode(
        self,
        text: str,
        allowed_special: Collection[str] | Literal["all"] = frozenset(),
    ) -> list[int]:
        """The ids of `text`; the name of a special token is plain text unless allowed.

        Raises ValueError if a name is allowed that is no special token.
        """
        allowed = self._allowed(allowed_special)
        ids: list[int] = []
        start = 0
        for piece in cut_at(text, allowed):
            if piece in allowed:
                ids.append(self.specials[piece])
            else:
                ids += self.encode_array(piece, start).tolist()
            start += len(piece)
        return ids

    def encode_bytes(self, data: bytes) -> list[int]:
        """The ids of any bytes; `decode_bytes` gives exactly these bytes back.

        Invalid UTF-8 becomes single bytes; raises UnknownCharacter where a tokenizer
        of characters has none for them.
        """
        return self.encode_array(data.decode("utf-8", "surrogateescape")).tolist()

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; bytes that are not UTF-8 become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The exact bytes of `ids` (a list, array or tensor); special tokens by name.

        Raises ValueError for an id that does not exist.
        """
        numbers = ids.tolist() if hasattr(ids, "tolist") else list(ids)
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
        if unknown := sorted(allowed - set(self.specials)):
            raise ValueError(
                f"{unknown} are not special tokens; these are: {list(self.specials)}"
            )
        return allowed


def cut_at(text: str, names: Collection[str]) -> Iterator[str]:
    """The parts of `text` at and between `names`; of two that fit, the longer."""
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
        before = text[max(0, error.start - 20) : error.start]
        raise InputError(
            f"the text has half of a surrogate pair, U+{ord(text[error.start]):04X}, "
            f"after {before!r}: UTF-8 cannot hold it. Remove it"
        ) from None
