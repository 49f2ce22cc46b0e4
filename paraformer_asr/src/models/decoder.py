"""The decoder of Paraformer: names all tokens in one pass (Gao et al. 2022, section 3).

It takes one acoustic embedding for each token. Every token looks at all others, for no
one waits for another, and at the whole encoding. The layers are those of the
Transformer (Vaswani et al. 2017) with the norms before each part; the autoregressive
baseline in `ar_decoder.py` has the same ones.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .attention import Attention
from .feed_forward import FeedForward
from .linear import Linear
from .positions import sinusoids


class NARDecoder(nn.Module):
    """Acoustic embeddings to logits."""

    def __init__(
        self,
        vocab: int,
        d_model: int,
        heads: int,
        layers: int,
        ff: int,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.vocab, self.d_model = vocab, d_model
        self.drop = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            DecoderLayer(d_model, heads, ff, dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(d_model)
        self.head = Linear(d_model, vocab)

    @contract
    def forward(
        self,
        embeds: Float[Tensor, "batch tokens {self.d_model}"],
        token_mask: Bool[Tensor, "batch tokens"],
        hidden: Float[Tensor, "batch time {self.d_model}"],
        time_mask: Bool[Tensor, "batch time"],
    ) -> Float[Tensor, "batch tokens {self.vocab}"]:
        """Logits of each token; those behind an utterance's last one mean nothing.

        An utterance of no tokens, or of no time, is as good as any other.
        """
        places = torch.arange(embeds.shape[1]).to(embeds)
        x = self.drop(embeds + sinusoids(places, self.d_model))
        for layer in self.layers:
            x = layer(x, token_mask[:, None], hidden, time_mask[:, None])
        return self.head(self.norm(x))


class DecoderLayer(nn.Module):
    """Look at the other tokens, then at the encoding, then work within each token."""

    def __init__(self, d_model: int, heads: int, ff: int, dropout: float = 0.1):
        super().__init__()
        self.d_model = d_model
        self.self_norm = nn.LayerNorm(d_model)
        self.self_attention = Attention(d_model, heads)
        self.cross_norm = nn.LayerNorm(d_model)
        self.cross_attention = Attention(d_model, heads)
        self.feed_norm = nn.LayerNorm(d_model)
        self.feed = FeedForward(d_model, ff)
        self.drop = nn.Dropout(dropout)

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch tokens {self.d_model}"],
        token_mask: Bool[Tensor, "batch 1 tokens"]
        | Bool[Tensor, "batch tokens tokens"],
        hidden: Float[Tensor, "batch time {self.d_model}"],
        time_mask: Bool[Tensor, "batch 1 time"],
    ) -> Float[Tensor, "batch tokens {self.d_model}"]:
        """x + f(norm(x)) for each of the three; the masks are True where x may look."""
        y = self.self_norm(x)
        x = x + self.drop(self.self_attention(y, y, token_mask))
        y = self.cross_norm(x)
        x = x + self.drop(self.cross_attention(y, hidden, time_mask))
        return x + self.drop(self.feed(self.feed_norm(x)))
