"""Byte-level BPE (Radford et al. 2019): chunks of bytes, joined pair by pair.

The first 256 ids of a trained vocabulary are the bytes in GPT-2's order, then one id
per merge, then the special tokens: the same ids as in GPT-2's own files.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from ..utils.errors import InputError
from .bpe_train import count_chunks, learn_merges
from .presplit import Split, split
from .tokenizer import Tokenizer, number_specials, utf8


PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
BYTE_ORDER = PRINTABLE + [b for b in range(256) if b not in PRINTABLE]
NEVER = 1 << 60


class BPETokenizer(Tokenizer):
    """Encodes each chunk by joining, again and again, its pair of the lowest rank."""

    def __init__(
        self,
        pieces: Sequence[bytes],
        merges: Sequence[tuple[int, int]],
        split: Split,
        specials: dict[str, int],
    ) -> None:
        """Take the bytes of each id and the pairs of ids to join, in order."""
        super().__init__(pieces, specials)
        special = set(specials.values())
        ids = {p: i for i, p in enumerate(pieces) if i not in special}
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
    ):
        """Learn merges from `texts` until there are `vocab_size` ids or no pair twice.

        Each text is read once, and no chunk crosses from one into the next.
        """
        count = vocab_size - 256 - len(specials)
        if count < 0:
            raise InputError(
                f"vocab_size {vocab_size} is too small: 256 bytes and {len(specials)} "
                f"special tokens need at least {256 + len(specials)}"
            )
        ids = np.argsort(BYTE_ORDER).tolist()
        chunks = [
            ([ids[b] for b in utf8(chunk)], times)
            for chunk, times in count_chunks(texts, split).items()
        ]
        return cls.from_merges(learn_merges(chunks, count), split, specials)

    @classmethod
    def from_merges(
        cls, merges: Sequence[tuple[int, int]], split: Split, specials: Sequence[str]
    ):
        """The k-th merge makes id 256 + k; special tokens follow."""
        pieces = [bytes([value]) for value in BYTE_ORDER]
        for a, b in merges:
            pieces.append(pieces[a] + pieces[b])
        numbers = number_specials(specials, len(pieces))
        return cls([*pieces, *[b""] * len(numbers)], merges, split, numbers)

    def encode_array(self, text: str) -> np.ndarray:
        found = map(self._cache.__getitem__, split(text, self.split))
        return np.frombuffer(bytearray().join(found), np.int32)

    def encode_bytes(self, data: bytes) -> list[int]:
        return self.encode(data.decode("utf-8", "surrogateescape"))

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "bpe",
            "split": self.split,
            "merges": [list(pair) for pair in self.merges],
            "specials": list(self.specials),
        }

    def _encode_chunk(self, chunk: str) -> bytes:
        ids = [self._byte_ids[b] for b in utf8(chunk)]
        get = self._ranks.get
        ranks = list(map(get, zip(ids, ids[1:], strict=False), repeat(NEVER)))
        while ranks and (best := min(ranks)) != NEVER:
            i = ranks.index(best)
            ids[i : i + 2] = [self._made[best]]
            del ranks[i]
            if i > 0:
                ranks[i - 1] = get((ids[i - 1], ids[i]), NEVER)
            if i < len(ranks):
                ranks[i] = get((ids[i], ids[i + 1]), NEVER)
        return np.array(ids, np.int32).tobytes()


class _Cache(dict):
    """Chunk -> its ids as bytes of int32; computes what it does not have."""

    def __init__(self, encode) -> None:
        self._encode = encode

    def __missing__(self, chunk: str) -> bytes:
        self[chunk] = found = self._encode(chunk)
        return found
