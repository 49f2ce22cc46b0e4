"""A recurrent language model: embedding, layers, head.

Mikolov et al. 2010 for the model; Zaremba et al. 2014 (1409.2329) for where dropout
falls; Press & Wolf 2017 (1608.05859) for the tied weights.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.errors import InputError
from .documents import Documents
from .linear import Linear
from .recurrent import LockedDropout, Recurrent
from .recurrent_cell import State


class RecurrentLM(nn.Module):
    """Logits of the next token after each token; the state goes in and comes out.

    Truncated BPTT: give the memory of the last call, detached. `tie`: the head's matrix
    is the embedding's, which needs `embedding` = `hidden`.
    """

    context = None  # as many tokens as come

    def __init__(
        self,
        vocab: int,
        cell: str = "lstm",
        embedding: int = 128,
        hidden: int = 256,
        layers: int = 2,
        dropout: float = 0.0,
        locked_dropout: bool = False,
        tie: bool = False,
    ):
        super().__init__()
        if tie and embedding != hidden:
            raise InputError(
                f"tie shares the embedding's matrix with the head: embedding = "
                f"{embedding} must be equal to hidden = {hidden}"
            )
        self.vocab = vocab
        self.embedding = nn.Embedding(vocab, embedding)
        self.recurrent = Recurrent(
            cell,
            embedding,
            hidden,
            layers,
            dropout=dropout,
            locked_dropout=locked_dropout,
        )
        self.dropout = (LockedDropout if locked_dropout else nn.Dropout)(dropout)
        self.head = Linear(hidden, vocab)
        nn.init.zeros_(self.head.bias)
        if tie:
            nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
            self.head.weight = self.embedding.weight

    @contract
    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        memory: tuple[
            Float[Tensor, "batch {self.recurrent.rows} {self.recurrent.hidden}"], ...
        ]
        | None = None,
        *,
        document: Int[Tensor, "batch time"] | None = None,
    ) -> tuple[
        Float[Tensor, "batch time {self.vocab}"],
        tuple[
            Float[Tensor, "batch {self.recurrent.rows} {self.recurrent.hidden}"], ...
        ],
    ]:
        """Logits, and the memory after the last token (None: nothing came before).

        With `document`, the number of the document that each token is in, no state goes
        from one document to the next; `memory` belongs to the first of each row.
        """
        x = self.dropout(self.embedding(tokens))
        if document is None or tokens.shape[1] < 2:
            y, memory = self.recurrent(x, memory)
        else:
            y, memory = self._apart(x, memory, Documents(document))
        return self.head(self.dropout(y)), memory

    def _apart(self, x: Tensor, memory: State | None, documents: Documents):
        if memory is None:
            memory = self.recurrent.new_state(x)
        rows, mask = documents.spread(x)
        begin = tuple(documents.begin(part) for part in memory)
        y, end = self.recurrent(rows, begin, mask)
        return documents.gather(y), tuple(documents.end(part) for part in end)

    def new_memory(self, batch: int, length: int = 0) -> State:
        """Zeros: what a row begins with. `length` does not matter to a recurrence."""
        like = self.head.weight.new_empty(batch, 0)
        return self.recurrent.new_state(like)

    def reorder_memory(self, memory: State, rows: Tensor) -> State:
        """The memory of these rows, in this order; a row may come more than once."""
        return tuple(torch.index_select(part, 0, rows) for part in memory)
