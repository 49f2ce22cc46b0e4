"""One id per byte of UTF-8: 256 ids that know every text, at more ids per character."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .tokenizer import Tokenizer, number_specials, utf8


class ByteTokenizer(Tokenizer):
    """The id of a byte is its value; special tokens follow from 256 on."""

    kind = "byte"

    def __init__(self, specials: Sequence[str] = ()) -> None:
        numbers = number_specials(specials, 256)
        pieces = [bytes([value]) for value in range(256)]
        super().__init__([*pieces, *[b""] * len(numbers)], numbers)

    def encode_array(self, text: str, start: int = 0) -> np.ndarray:
        return np.frombuffer(utf8(text), np.uint8).astype(np.int32)

    def with_specials(self, names: Sequence[str]) -> "ByteTokenizer":
        return ByteTokenizer(list(dict.fromkeys([*self.specials, *names])))

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "specials": list(self.specials)}
