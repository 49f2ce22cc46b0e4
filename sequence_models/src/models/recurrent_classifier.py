"""One class for a whole text: embedding, layers in both directions, pooling, head."""

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.errors import InputError
from .linear import Linear
from .recurrent import Recurrent


class RecurrentClassifier(nn.Module):
    """`pool`: the mean of the last layer's outputs at real tokens, or its end."""

    def __init__(
        self,
        vocab: int,
        classes: int,
        cell: str = "lstm",
        embedding: int = 64,
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
        pool: str = "mean",
        bidirectional: bool = True,
    ):
        super().__init__()
        if pool not in ("mean", "last"):
            raise InputError(f"pool = {pool!r}: must be one of mean, last")
        self.vocab, self.classes, self.pool = vocab, classes, pool
        self.embedding = nn.Embedding(vocab, embedding)
        self.recurrent = Recurrent(
            cell,
            embedding,
            hidden,
            layers,
            bidirectional=bidirectional,
            dropout=dropout,
        )
        self.dropout = nn.Dropout(dropout)
        self.head = Linear(self.recurrent.width, classes)

    @contract
    def forward(
        self, tokens: Int[Tensor, "batch time"], pad_mask: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch {self.classes}"]:
        """Logits. ValueError if a row has no real token."""
        lengths = pad_mask.sum(1, keepdim=True)
        if (empty := (lengths[:, 0] == 0).nonzero()).numel():
            raise ValueError(f"row {int(empty[0])} of the batch has no real token")
        x = self.dropout(self.embedding(tokens))
        y, state = self.recurrent(x, None, pad_mask)
        if self.pool == "mean":
            pooled = y.sum(1) / lengths  # the outputs at padding are 0
        else:
            pooled = state[0][:, -self.recurrent.ways :].flatten(1)
        return self.head(self.dropout(pooled))
