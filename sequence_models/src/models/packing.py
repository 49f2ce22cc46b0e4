"""Rows of different lengths without their padding, in the order of time.

Rows are sorted by length. Packed, the first tokens of all rows come first, then the
second tokens of the rows that have one, and so on: the rows that go on at step t are
the first `sizes[t]`, one contiguous block, and nothing is computed for padding, where
ever in a row it stands. (torch's PackedSequence has the same order.)
"""

import torch
from torch import Tensor


class Packing:
    """Where each token of a (batch, time) block lies when packed."""

    def __init__(
        self, batch: int, time: int, pad_mask: Tensor | None, device: torch.device
    ):
        self.batch, self.time = batch, time
        self.full = pad_mask is None or bool(pad_mask.all())
        if self.full:
            self.sizes = [batch] * time  # rows that have a token at each step
            return
        lengths, self.order = pad_mask.sum(1).sort(descending=True, stable=True)
        alive = lengths > torch.arange(time, device=device)[:, None]  # (time, batch)
        self.step, self.row = alive.nonzero().unbind(1)  # of each token; sorted rows
        self.lengths, counts = lengths, alive.sum(1)
        self.offset = counts.cumsum(0) - counts  # where each step begins
        self.sizes = [size for size in counts.tolist() if size]
        row, place = pad_mask[self.order].nonzero().unbind(1)
        real = self.order[row] * time + place  # row after row
        start = lengths.cumsum(0) - lengths  # where each row begins in `real`
        self.index = real[start[self.row] + self.step]

    def pack(self, x: Tensor) -> Tensor:
        """(batch, time, features) -> (tokens, features)."""
        if self.full:
            return x.transpose(0, 1).flatten(0, 1)
        return x.flatten(0, 1).index_select(0, self.index)

    def unpack(self, y: Tensor) -> Tensor:
        """(tokens, features) -> (batch, time, features), 0 at padding."""
        if self.full:
            return y.unflatten(0, (self.time, self.batch)).transpose(0, 1)
        block = y.new_zeros(self.batch * self.time, y.shape[1])
        block = block.index_copy(0, self.index, y)
        return block.unflatten(0, (self.batch, self.time))

    def spread(self, y: Tensor) -> Tensor:
        """(tokens, features) -> (batch, steps, features): sorted rows, from 0 on."""
        if self.full:
            return self.unpack(y)
        block = y.new_zeros(self.batch, len(self.sizes), y.shape[1])
        return block.index_put((self.row, self.step), y)

    def gather(self, block: Tensor) -> Tensor:
        """What `spread` did, undone."""
        return self.pack(block) if self.full else block[self.row, self.step]

    def sort(self, rows: Tensor) -> Tensor:
        """(batch, ...) in the order by length."""
        return rows if self.full else rows.index_select(0, self.order)

    def unsort(self, rows: Tensor) -> Tensor:
        """What `sort` did, undone."""
        return rows if self.full else rows.index_select(0, self.order.argsort())

    def reverse(self, y: Tensor) -> Tensor:
        """Each row from its last token to its first."""
        if self.full:
            return y.unflatten(0, (self.time, self.batch)).flip(0).flatten(0, 1)
        step = self.lengths[self.row] - 1 - self.step
        return y.index_select(0, self.offset[step] + self.row)

    def before(self, y: Tensor) -> Tensor:
        """What `y` has at the token before, for the tokens after the first step."""
        if self.full:
            return y[: len(y) - self.batch]
        return y.index_select(0, (self.offset[self.step - 1] + self.row)[self.begun :])

    def of_rows(self, value: Tensor) -> Tensor:
        """(batch, features), a value a sorted row, for each token."""
        if self.full:
            return value.repeat(self.time, 1)
        return value.index_select(0, self.row)

    def ends(self, y: Tensor, begin: Tensor) -> Tensor:
        """What `y` has at each row's last token; for rows without one, `begin`."""
        if self.full:
            return y[len(y) - self.batch :]
        last = self.offset[self.lengths[: self.begun] - 1] + self.row[: self.begun]
        return torch.cat([y.index_select(0, last), begin[self.begun :]])

    @property
    def begun(self) -> int:
        """The rows that have a token at all."""
        return self.sizes[0]
