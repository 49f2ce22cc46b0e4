"""LSTMs (Hochreiter & Schmidhuber 1997) that read characters or words."""

from jaxtyping import Bool, Float, Int

from .. import nn
from ..engine.tensor import Tensor
from ..utils.contracts import contract


class CharLSTM(nn.Module):
    """The next character at every place, from those before."""

    def __init__(
        self, vocab: int, d_model: int, n_layers: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.vocab = vocab
        self.embedding = nn.Embedding(vocab, d_model)
        self.lstm = nn.LSTM(
            d_model, d_model, n_layers, batch_first=True, dropout=dropout
        )
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(d_model, vocab)

    @contract
    def forward(
        self, ids: Int[Tensor, "batch tokens"]
    ) -> Float[Tensor, "batch tokens {self.vocab}"]:
        states, _ = self.lstm(self.embedding(ids))
        return self.head(self.drop(states))


class SentimentLSTM(nn.Module):
    """The class of a sentence: the mean of the states at its words."""

    def __init__(
        self,
        vocab: int,
        d_model: int,
        n_layers: int,
        classes: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.classes = classes
        self.embedding = nn.Embedding(vocab, d_model, padding_idx=0)
        self.lstm = nn.LSTM(
            d_model, d_model, n_layers, batch_first=True, dropout=dropout
        )
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(d_model, classes)

    @contract
    def forward(
        self,
        ids: Int[Tensor, "batch tokens"],
        mask: Bool[Tensor, "batch tokens"],
    ) -> Float[Tensor, "batch {self.classes}"]:
        states, _ = self.lstm(self.embedding(ids))
        words = mask.to(states.dtype).unsqueeze(-1)
        mean = (states * words).sum(1) / words.sum(1).clamp(min=1)
        return self.head(self.drop(mean))
