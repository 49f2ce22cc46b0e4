"""Documents, each behind a BOS token, packed into rows without waste or leaks.

In one long array of ids BOS begins each document and, as the target of its last token,
ends it: the model learns where to stop. Rows are filled by best fit, longest first, and
every position knows its document, so that attention does not cross from one to another.
"""

import re
from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from ..tokenizers import Tokenizer
from ..utils.contracts import contract
from ..utils.errors import InputError
from .windows import IGNORED, Batches, Key, as_array, split_keys


BOS = "<|bos|>"
SCAN = 1 << 24  # tokens looked at together in search of BOS


def split_documents(text: str) -> list[str]:
    """The parts between empty lines that are more than white space."""
    return [part for part in re.split(r"(?:\r?\n){2,}", text) if part.strip()]


def join_documents(documents: Iterable[str], tokenizer: Tokenizer) -> np.ndarray:
    """One int32 array of ids: before each document the id of BOS."""
    bos = np.array([tokenizer.specials[BOS]], np.int32)
    parts = [part for text in documents for part in (bos, tokenizer.encode_array(text))]
    if not parts:
        raise InputError("there are no documents: the text is empty")
    return np.concatenate(parts)


class PackedDocuments(Batches):
    """Rows of `block` tokens, each holding pieces of one or more documents.

    A batch is {"tokens", "targets", "document"}, int64 (batch block). `document` counts
    the pieces of a row from 0; at the padding it is -1, with id 0 and target -100.
    Every token is a target exactly once; for BOS that is the end of a document. One
    longer than `block` goes on in another piece, which sees nothing of the first.
    `padding` is the share of positions that hold nothing.

    `tokens` is what `join_documents` gives, or a memmap of it; `bos` the id.
    """

    def __init__(self, tokens: Tensor | np.ndarray, block: int, bos: int):
        if block < 1:
            raise ValueError(f"block is {block}; at least 1")
        self.tokens, self.block, self.bos = as_array(tokens), block, bos
        starts, lengths = _pieces(
            _beginnings(self.tokens, bos), len(self.tokens), block
        )
        rows = best_fit(lengths, block)
        by_row = np.argsort(rows, kind="stable")
        self.starts, self.lengths = starts[by_row], lengths[by_row]
        self.counts = np.bincount(rows)
        self.first = np.cumsum(self.counts) - self.counts
        self.padding = 1 - len(self.tokens) / (len(self.counts) * block)

    def __len__(self) -> int:
        return len(self.counts)

    @contract
    def __getitems__(
        self, keys: list[Key]
    ) -> dict[str, Int64[Tensor, "batch {self.block}"]]:
        _, rows = split_keys(keys)
        counts = self.counts[rows]
        row, document = _ranges(counts)
        piece = self.first[rows][row] + document
        lengths = self.lengths[piece]
        owner, within = _ranges(lengths)
        source = self.starts[piece][owner] + within
        # Pieces of a row stand one behind another: their ids in order fill its front.
        filled = np.bincount(row, lengths, len(rows)).astype(np.int64)
        real = np.arange(self.block) < filled[:, None]
        batch = {
            "tokens": np.zeros(real.shape, np.int64),
            "targets": np.full(real.shape, IGNORED),
            "document": np.full(real.shape, -1),
        }
        batch["tokens"][real] = self.tokens[source]
        batch["targets"][real] = self._next(source)
        batch["document"][real] = document[owner]
        return {name: torch.from_numpy(value) for name, value in batch.items()}

    def _next(self, places: np.ndarray) -> np.ndarray:
        """The token behind each place; behind the last document, BOS."""
        behind = self.tokens[np.minimum(places + 1, len(self.tokens) - 1)]
        return np.where(places + 1 < len(self.tokens), behind, self.bos)


def best_fit(lengths: np.ndarray, block: int) -> np.ndarray:
    """The row of each piece: longest first, each into the fullest row that has room."""
    rows = np.empty(len(lengths), np.int64)
    open_rows: list[list[int]] = [[] for _ in range(block + 1)]  # by room left
    rooms, count = 0, 0  # bit k of `rooms`: a row with room for exactly k is open
    for piece in np.argsort(-lengths, kind="stable").tolist():
        length = int(lengths[piece])
        fitting = rooms >> length
        if fitting:
            room = length + (fitting & -fitting).bit_length() - 1
            row = open_rows[room].pop()
            if not open_rows[room]:
                rooms ^= 1 << room
        else:
            room, row, count = block, count, count + 1
        rows[piece] = row
        open_rows[room - length].append(row)
        rooms |= 1 << (room - length)
    return rows


def _beginnings(tokens: np.ndarray, bos: int) -> np.ndarray:
    found = [
        start + np.flatnonzero(tokens[start : start + SCAN] == bos)
        for start in range(0, len(tokens), SCAN)
    ]
    places = np.concatenate(found) if found else np.empty(0, np.int64)
    if not len(places) or places[0] != 0:
        raise InputError(
            f"the tokens do not begin with {BOS} (id {bos}), so it cannot be seen "
            "where a document begins; write them with join_documents"
        )
    return places


def _pieces(starts: np.ndarray, end: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Begin and length of every piece of at most `block` tokens."""
    lengths = np.diff(np.append(starts, end))
    owner, number = _ranges(-(-lengths // block))
    begin = starts[owner] + number * block
    return begin, np.minimum(lengths[owner] - number * block, block)


def _ranges(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For counts (2, 3): the owners 0 0 1 1 1 and the places 0 1 0 1 2."""
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - first[owner]
