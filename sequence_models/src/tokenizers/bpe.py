"""Byte-level BPE (Radford et al. 2019): chunks of bytes, joined pair by pair.

The first 256 ids of a trained vocabulary are the bytes in GPT-2's order, then one id
per merge, then the special tokens: the same ids as in GPT-2's own files.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..utils.errors import InputError
from .bpe_merge import merge
from .bpe_train import count_chunks, learn_merges
from .gpt2_symbols import BYTE_ORDER, to_symbols
from .presplit import PATTERNS, Split, split
from .tokenizer import Tokenizer, number_specials, utf8


CACHED_CHUNKS, CACHED_LENGTH = 1 << 18, 64  # bound the memory of a tokenizer


class BPETokenizer(Tokenizer):
    """Encodes each chunk by joining, again and again, its pair of the lowest rank."""

    kind = "bpe"

    def __init__(
        self,
        pieces: Sequence[bytes],
        merges: Sequence[tuple[int, int]],
        split: Split,
        specials: dict[str, int],
    ) -> None:
        """Take the bytes of each id and the pairs of ids to join, in order.

        Raises ValueError if these do not fit together.
        """
        super().__init__(pieces, specials)
        special = set(specials.values())
        ids = {p: i for i, p in enumerate(pieces) if i not in special}
        _check(pieces, merges, ids, split, specials)
        self.split, self.merges = split, [tuple(pair) for pair in merges]
        self._byte_ids = [ids[bytes([value])] for value in range(256)]
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._made = [ids[pieces[a] + pieces[b]] for a, b in self.merges]
        self._cache = _Cache(self._encode_chunk)

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        split: Split = "gpt4",
        specials: Sequence[str] = (),
    ) -> "BPETokenizer":
        """Learn merges from `texts` until there are `vocab_size` ids or no pair twice.

        Each text is read once, and no chunk crosses from one into the next. Raises
        InputError for a vocabulary too small and for an empty text.
        """
        count = vocab_size - 256 - len(specials)
        if count < 0:
            raise InputError(
                f"vocab_size {vocab_size} is too small: 256 bytes and {len(specials)} "
                f"special tokens need at least {256 + len(specials)}"
            )
        counts = count_chunks(texts, split)
        if not counts:
            raise InputError(
                "the training text is empty: BPE has nothing to learn from. Give a "
                "text, or take a tokenizer of kind byte"
            )
        ids = np.argsort(BYTE_ORDER).tolist()
        chunks = (([ids[b] for b in utf8(c)], times) for c, times in counts.items())
        return cls.from_merges(learn_merges(chunks, count), split, specials)

    @classmethod
    def from_merges(
        cls,
        merges: Sequence[tuple[int, int]],
        split: Split,
        specials: Sequence[str] = (),
    ) -> "BPETokenizer":
        """The k-th merge makes the id 256 + k; the special tokens follow."""
        pieces = [bytes([value]) for value in BYTE_ORDER]
        for a, b in merges:
            pieces.append(pieces[a] + pieces[b])
        numbers = number_specials(specials, len(pieces))
        return cls([*pieces, *[b""] * len(numbers)], merges, split, numbers)

    def encode_array(self, text: str, start: int = 0) -> np.ndarray:
        found = map(self._cache.__getitem__, split(text, self.split))
        try:
            return np.frombuffer(bytearray().join(found), np.int32)
        except UnicodeEncodeError:
            utf8(text)  # raises InputError, which shows the place
            raise

    def with_specials(self, names: Sequence[str]) -> "BPETokenizer":
        new = [name for name in names if name not in self.specials]
        numbers = self.specials | number_specials(new, self.vocab_size)
        pieces = [*self._pieces, *[b""] * len(new)]
        return BPETokenizer(pieces, self.merges, self.split, numbers)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "split": self.split,
            "tokens": [to_symbols(piece) for piece in self.token_bytes()],
            "merges": [list(pair) for pair in self.merges],
            "specials": dict(self.specials),
        }

    def _encode_chunk(self, chunk: str) -> bytes:
        data = chunk.encode("utf-8", "surrogateescape")
        ids = [self._byte_ids[b] for b in data]
        return np.array(merge(ids, self._ranks, self._made), np.int32).tobytes()


class _Cache(dict):
    """Chunk -> its ids as the bytes of int32; computes what it does not have."""

    def __init__(self, encode: Callable[[str], bytes]) -> None:
        self.encode = encode

    def __missing__(self, chunk: str) -> bytes:
        found = self.encode(chunk)
        if len(self) >= CACHED_CHUNKS:
            self.clear()
        if len(chunk) <= CACHED_LENGTH:
            self[chunk] = found
        return found


def _check(pieces, merges, ids: dict[bytes, int], split: str, specials: dict) -> None:
    """Raise ValueError where the parts of a vocabulary do not fit together."""
    if split not in PATTERNS:
        raise ValueError(f"split {split!r} is not one of {', '.join(PATTERNS)}")
    special = set(specials.values())
    if len(ids) + len(specials) != len(pieces):
        raise ValueError("two ids have the same bytes, or two special tokens one id")
    for value in range(256):
        if bytes([value]) not in ids:
            raise ValueError(f"byte {value:#04x} has no id")
    for rank, pair in enumerate(merges):
        a, b = pair
        exist = 0 <= min(a, b) and max(a, b) < len(pieces) and not special & {a, b}
        if not exist or pieces[a] + pieces[b] not in ids:
            raise ValueError(f"merge {rank} of ids {a} and {b} gives no token")
