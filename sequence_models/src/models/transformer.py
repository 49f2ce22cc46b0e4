"""The Transformer, encoder and decoder (Vaswani et al. 2017, arXiv 1706.03762).

The encoder reads the source, every token seeing all; the decoder writes the target,
each token seeing those before it and all of what the encoder made of the source.
"""

from math import sqrt
from typing import NamedTuple

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from .blocks import Block, FFNName, Order
from .cache import KVCache
from .decoder import check_length, default_ffn_dim
from .initialise import InitName, initialise
from .linear import linear
from .masks import Mask
from .norms import NormName, build_norm
from .positions import SinusoidalPositions


class Memory(NamedTuple):
    """Keys and values: of the target so far, and of the source (filled once)."""

    target: KVCache
    source: KVCache


class Transformer(nn.Module):
    """Logits of the next target token, from a source and the target so far.

    The defaults are the paper's: post-norm, ReLU, sinusoidal positions, one matrix for
    both embeddings and the head, times sqrt(d_model) as embedding (section 3.4).
    `layers` each. `context` tokens are the most that source and target may have.
    """

    def __init__(
        self,
        vocab: int,
        context: int,
        *,
        d_model: int = 128,
        layers: int = 2,
        heads: int = 4,
        ffn_dim: int | None = None,
        norm: NormName = "layer",
        order: Order = "post",
        ffn: FFNName = "relu",
        bias: bool = True,
        dropout: float = 0.0,
        init: InitName = "xavier",
    ):
        super().__init__()
        self.vocab, self.context, self.d_model = vocab, context, d_model
        self.embedding = nn.Embedding(vocab, d_model)
        self.positions = SinusoidalPositions(context, d_model)
        self.drop = nn.Dropout(dropout)

        def stack(cross: bool) -> nn.ModuleList:
            return nn.ModuleList(
                Block(
                    d_model,
                    heads,
                    ffn_dim or default_ffn_dim(d_model, ffn),
                    order=order,
                    norm=norm,
                    ffn=ffn,
                    bias=bias,
                    dropout=dropout,
                    cross=cross,
                )
                for _ in range(layers)
            )

        def last_norm() -> nn.Module:
            return (
                build_norm(norm, d_model, bias=bias)
                if order == "pre"
                else nn.Identity()
            )

        self.encoder, self.encoder_norm = stack(cross=False), last_norm()
        self.decoder, self.decoder_norm = stack(cross=True), last_norm()
        initialise(self, init)

    @contract
    def forward(
        self,
        source: Int[Tensor, "batch source_time"],
        source_mask: Bool[Tensor, "batch source_time"] | None,
        tokens: Int[Tensor, "batch time"],
    ) -> Float[Tensor, "batch time {self.vocab}"]:
        """Logits after each of `tokens`; `source_mask` is True at real tokens."""
        encoded = self.encode(source, source_mask)
        return self.decode(tokens, encoded, source_mask)

    @contract
    def encode(
        self,
        source: Int[Tensor, "batch source_time"],
        source_mask: Bool[Tensor, "batch source_time"] | None = None,
    ) -> Float[Tensor, "batch source_time {self.d_model}"]:
        """What each source token means among the others."""
        mask = Mask(pad_mask=source_mask)
        x = self._embed(source, 0)
        for block in self.encoder:
            x = block(x, mask)
        return self.encoder_norm(x)

    @contract
    def decode(
        self,
        tokens: Int[Tensor, "batch time"],
        encoded: Float[Tensor, "batch source_time {self.d_model}"],
        source_mask: Bool[Tensor, "batch source_time"] | None = None,
        memory: Memory | None = None,
    ) -> Float[Tensor, "batch time {self.vocab}"]:
        """Logits after each of `tokens`, which follow those that `memory` holds."""
        x = self._embed(tokens, 0 if memory is None else memory.target.past)
        mask, see_source = Mask(causal=True), Mask(pad_mask=source_mask)
        for number, block in enumerate(self.decoder):
            target, source = (
                (None, None) if memory is None else (m[number] for m in memory)
            )
            x = block(
                x,
                mask,
                cache=target,
                encoded=encoded,
                source_mask=see_source,
                source_cache=source,
            )
        return linear(self.decoder_norm(x), self.embedding.weight)

    def new_memory(self, batch: int, length: int, source_time: int) -> Memory:
        """Empty caches for up to `length` target tokens and a source of that many."""
        attend, like = self.decoder[0].attend, self.embedding.weight

        def cache(tokens: int) -> KVCache:
            return KVCache(
                len(self.decoder),
                batch,
                attend.kv_heads,
                tokens,
                attend.head_dim,
                dtype=like.dtype,
                device=like.device,
            )

        return Memory(cache(min(length, self.context)), cache(source_time))

    def _embed(self, tokens: Tensor, past: int) -> Tensor:
        time = tokens.shape[1]
        check_length(past, time, self.context)
        x = self.embedding(tokens) * sqrt(self.d_model)
        return self.drop(x + self.positions(slice(past, past + time)))
