"""The autoregressive baseline: one token at a time, each seeing those before it.

The layers of `decoder.py`, with embeddings of tokens in place of acoustic ones and a
causal mask (Vaswani et al. 2017). When it writes, keys and values of the tokens so far
are kept in room that is laid out once, and those of the encoding are computed once:

    cache = decoder.new_cache(hidden, time_mask, length)
    logits = decoder.step(token, cache)     # of the next token, for each row
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from .attention import KeysValues
from .decoder import DecoderLayer
from .linear import Linear
from .positions import sinusoids


class ARCache:
    """Keys and values: of the encoding, one per utterance, and of the tokens so far."""

    def __init__(
        self,
        sound: list[KeysValues],
        sound_mask: Tensor | None,
        positions: Tensor,
        batch: int,
        beams: int,
    ):
        self.sound, self.sound_mask, self.positions = sound, sound_mask, positions
        self.beams, self.past = beams, 0
        length = len(positions)
        heads, _, head_dim = sound[0].k.shape[1:]
        shape = (len(sound), batch * beams, heads, length, head_dim)
        self._keys, self._values = (
            positions.new_zeros(shape),
            positions.new_zeros(shape),
        )

    def check_room(self) -> None:
        """ValueError where there is no room for one token more."""
        if self.past >= len(self.positions):
            raise ValueError(
                f"the cache has room for {len(self.positions)} tokens only"
            )

    def append(self, layer: int, new: KeysValues) -> KeysValues:
        """Keep these of one token; all so far."""
        end = self.past + 1
        self._keys[layer, :, :, self.past] = new.k[:, :, 0].detach()
        self._values[layer, :, :, self.past] = new.v[:, :, 0].detach()
        return KeysValues(
            self._keys[layer, :, :, :end], self._values[layer, :, :, :end]
        )

    def reorder(self, rows: Int[Tensor, " batch"]) -> None:
        """Let row i be what row rows[i] was, a row of the same utterance."""
        for kept in (self._keys, self._values):
            kept[:, :, :, : self.past] = kept[:, rows, :, : self.past]


class ARDecoder(nn.Module):
    """Tokens so far to logits of the next."""

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
        self.embedding = nn.Embedding(vocab, d_model)
        nn.init.normal_(self.embedding.weight, std=d_model**-0.5)
        self.drop = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            DecoderLayer(d_model, heads, ff, dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(d_model)
        self.head = Linear(d_model, vocab)

    @contract
    def forward(
        self,
        tokens_in: Int[Tensor, "batch tokens"],
        token_mask: Bool[Tensor, "batch tokens"],
        hidden: Float[Tensor, "batch time {self.d_model}"],
        time_mask: Bool[Tensor, "batch time"],
    ) -> Float[Tensor, "batch tokens {self.vocab}"]:
        """Logits of the token behind each; `tokens_in` begins with the start symbol."""
        size = tokens_in.shape[1]
        places = torch.arange(size, device=tokens_in.device)
        x = self.drop(
            self._embed(tokens_in, sinusoids(places.to(hidden), self.d_model))
        )
        causal = places[:, None] >= places  # row: who looks, column: at whom
        mask = causal & token_mask[:, None]
        for layer in self.layers:
            x = layer(x, mask, hidden, time_mask[:, None])
        return self.head(self.norm(x))

    @contract
    def new_cache(
        self,
        hidden: Float[Tensor, "batch time {self.d_model}"],
        time_mask: Bool[Tensor, "batch time"],
        length: int,
        beams: int = 1,
    ) -> ARCache:
        """Room for `length` tokens in `beams` rows for each utterance, side by side."""
        sound = [layer.cross_attention.project(hidden) for layer in self.layers]
        mask = None if bool(time_mask.all()) else time_mask[:, None]
        positions = sinusoids(torch.arange(length).to(hidden), self.d_model)
        return ARCache(sound, mask, positions, len(hidden), beams)

    @contract
    def step(
        self, token: Int[Tensor, " batch"], cache: ARCache
    ) -> Float[Tensor, "batch {self.vocab}"]:
        """Logits of the token behind `token`; ValueError where the cache is full.

        A row for each beam of each utterance. Carries no gradient.
        """
        cache.check_room()
        x = self._embed(token[:, None], cache.positions[cache.past])
        for place, layer in enumerate(self.layers):
            y = layer.self_norm(x)
            kept = cache.append(place, layer.self_attention.project(y))
            x = x + layer.self_attention.attend(y, kept)
            # The beams of an utterance ask as if they were places of one sequence:
            # they share its keys and values.
            y = layer.cross_norm(x).view(-1, cache.beams, self.d_model)
            y = layer.cross_attention.attend(y, cache.sound[place], cache.sound_mask)
            x = x + y.view_as(x)
            x = x + layer.feed(layer.feed_norm(x))
        cache.past += 1
        return self.head(self.norm(x[:, 0]))

    def _embed(self, tokens: Tensor, positions: Tensor) -> Tensor:
        return self.embedding(tokens) * self.d_model**0.5 + positions
