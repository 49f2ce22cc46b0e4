"""Several documents in one row of a batch, each as if it were alone.

A recurrence has no mask that keeps documents apart, so each becomes a row of its own,
and what comes out goes back to where it was.
"""

import torch
from torch import Tensor


class Documents:
    """Where the tokens of each document are; `document` (batch, time) numbers them.

    A document begins wherever the number differs from the one before it in the row.
    """

    def __init__(self, document: Tensor):
        begins = torch.ones_like(document, dtype=torch.bool)
        begins[:, 1:] = document[:, 1:] != document[:, :-1]
        self.shape = document.shape
        self.which = begins.flatten().cumsum(0) - 1  # of all documents, row after row
        start = begins.flatten().nonzero()[:, 0]
        places = torch.arange(document.numel(), device=document.device)
        self.place = places - start[self.which]  # within the document
        self.count, self.longest = len(start), int(self.place.max()) + 1
        by_row = self.which.view(self.shape)
        self.first, self.last = by_row[:, 0], by_row[:, -1]  # of each row

    def spread(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, time, features) -> (documents, longest, features), and its mask."""
        rows = x.new_zeros(self.count, self.longest, x.shape[2])
        mask = self.place.new_zeros(self.count, self.longest, dtype=torch.bool)
        mask[self.which, self.place] = True
        return rows.index_put((self.which, self.place), x.flatten(0, 1)), mask

    def gather(self, y: Tensor) -> Tensor:
        """(documents, longest, hidden) -> (batch, time, hidden)."""
        return y[self.which, self.place].unflatten(0, self.shape)

    def begin(self, state: Tensor) -> Tensor:
        """A state a row -> a state a document: the row's for its first, else zeros."""
        zeros = state.new_zeros(self.count, *state.shape[1:])
        return zeros.index_copy(0, self.first, state)

    def end(self, state: Tensor) -> Tensor:
        """A state a document -> a state a row: that of its last."""
        return state.index_select(0, self.last)
