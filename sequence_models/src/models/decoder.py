"""The decoder-only Transformer: a causal language model (GPT; Radford et al. 2018).

Tokens embedded, positions, blocks, logits of the next token after each token. Which
positions, norm, order and feed-forward is a question of the year: see `phases.py`.
"""

from math import sqrt
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from .blocks import Block, FFNName, Order
from .cache import KVCache
from .initialise import InitName, initialise
from .linear import Linear, linear
from .masks import Mask
from .norms import NormName, build_norm
from .positions import (
    Index,
    LearnedPositions,
    RotaryPositions,
    SinusoidalPositions,
    alibi_slopes,
    restart,
)
from .token_step import TokenStep


PositionName = Literal["learned", "sinusoidal", "rope", "alibi", "none"]


class Decoder(nn.Module):
    """Logits of the next token after each of at most `context` tokens.

    `ffn_dim` None: 4 d_model, and for swiglu, which has three matrices in place of two,
    8/3 d_model. `kv_heads` None: as many as `heads`. `window` w: a token sees itself
    and the w - 1 before it in each layer. `tie`: the head's matrix is the embedding's.
    `causal` is False only to show what a missing mask does: such a model cheats.
    """

    def __init__(
        self,
        vocab: int,
        context: int,
        *,
        d_model: int = 128,
        layers: int = 4,
        heads: int = 4,
        kv_heads: int | None = None,
        ffn_dim: int | None = None,
        positions: PositionName = "learned",
        norm: NormName = "layer",
        order: Order = "pre",
        ffn: FFNName = "gelu",
        qk_norm: bool = False,
        bias: bool = True,
        tie: bool = True,
        dropout: float = 0.0,
        window: int | None = None,
        causal: bool = True,
        init: InitName = "scaled",
        scale_embedding: bool = False,
    ):
        super().__init__()
        self.vocab, self.context, self.d_model = vocab, context, d_model
        self.causal, self.window = causal, window
        self.embedding = nn.Embedding(vocab, d_model)
        self.embedding_scale = sqrt(d_model) if scale_embedding else 1.0
        self.positions = self.rotary = None
        if positions == "learned":
            self.positions = LearnedPositions(context, d_model)
        elif positions == "sinusoidal":
            self.positions = SinusoidalPositions(context, d_model)
        elif positions == "rope":
            self.rotary = RotaryPositions(context, d_model // heads)
        elif positions not in ("alibi", "none"):
            raise ValueError(
                f"positions = {positions!r}: must be learned, sinusoidal, rope, alibi "
                "or none"
            )
        slopes = alibi_slopes(heads) if positions == "alibi" else None
        self.register_buffer("slopes", slopes, persistent=False)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(
                d_model,
                heads,
                ffn_dim or default_ffn_dim(d_model, ffn),
                order=order,
                norm=norm,
                ffn=ffn,
                kv_heads=kv_heads,
                qk_norm=qk_norm,
                bias=bias,
                dropout=dropout,
            )
            for _ in range(layers)
        )
        self.norm = build_norm(norm, d_model, bias=bias) if order == "pre" else None
        self.head = None if tie else Linear(d_model, vocab, bias=False)
        initialise(self, init)
        self._step: TokenStep | None = None

    @contract
    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        memory: KVCache | None = None,
        *,
        document: Int[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time {self.vocab}"], KVCache | None]:
        """Logits, and the memory, which these tokens have joined.

        `memory` holds the tokens before these; None: there are none, and nothing is
        kept. Tokens of different `document` do not see each other, and positions begin
        again with each. ValueError where there are more tokens than `context`.
        """
        if document is None and self._takes_a_step(tokens, memory):
            check_length(memory.past, 1, self.context)
            return self._step(tokens, memory), memory
        x, memory = self.features(tokens, memory, document=document)
        return self.logits(x), memory

    @contract
    def features(
        self,
        tokens: Int[Tensor, "batch time"],
        memory: KVCache | None = None,
        *,
        document: Int[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time {self.d_model}"], KVCache | None]:
        """What the logits are read from: the last block's output, normed."""
        past = 0 if memory is None else memory.past
        check_length(past, tokens.shape[1], self.context)
        if document is not None and memory is not None:
            raise ValueError("document is for whole rows: it does not go with a memory")
        index = slice(past, past + tokens.shape[1])
        if document is not None:
            index = restart(document)
        rotation = None if self.rotary is None else self.rotary(index)
        mask = Mask(
            causal=self.causal,
            window=self.window,
            document=document,
            slopes=self.slopes,
        )
        x = self._embed(tokens, index)
        for number, block in enumerate(self.blocks):
            cache = None if memory is None else memory[number]
            x = block(x, mask, rotation=rotation, cache=cache)
        return x if self.norm is None else self.norm(x), memory

    @contract
    def logits(
        self, x: Float[Tensor, "batch time {self.d_model}"]
    ) -> Float[Tensor, "batch time {self.vocab}"]:
        """The head alone: logits of the next token from the features of each."""
        head = self.embedding if self.head is None else self.head
        return linear(x, head.weight)

    def new_memory(self, batch: int, length: int) -> KVCache:
        """An empty cache for up to `length` tokens a row; the rows grow together."""
        attend, weight = self.blocks[0].attend, self.embedding.weight
        self._step = TokenStep(self)
        return KVCache(
            len(self.blocks),
            batch,
            attend.kv_heads,
            min(length, self.context),
            attend.head_dim,
            window=self.window,
            dtype=weight.dtype,
            device=weight.device,
        )

    def _takes_a_step(self, tokens: Tensor, memory: KVCache | None) -> bool:
        """Whether the short way of one token is open; the others go the long way."""
        if memory is None or tokens.shape[1] != 1 or self.training:
            return False
        plain = self.slopes is None and self.window is None and self._step is not None
        return plain and not torch.is_grad_enabled()

    def _embed(self, tokens: Tensor, index: Index) -> Tensor:
        x = self.embedding(tokens)
        if self.embedding_scale != 1.0:
            x = x * self.embedding_scale
        if self.positions is not None:
            x = x + self.positions(index)
        return self.drop(x)


def check_length(past: int, time: int, context: int) -> None:
    """ValueError where `time` tokens after `past` others are more than `context`."""
    if past + time > context:
        before = f" after {past} others" if past else ""
        raise ValueError(f"{time} tokens{before}: the model sees at most {context}")


def default_ffn_dim(d_model: int, ffn: FFNName) -> int:
    """About 8 d_model^2 numbers in the feed-forward, however many matrices it has."""
    if ffn != "swiglu":
        return 4 * d_model
    return -(-8 * d_model // 24) * 8  # 8/3 d_model, up to a multiple of 8
