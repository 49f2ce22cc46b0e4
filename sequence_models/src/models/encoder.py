"""The encoder-only Transformer (BERT; Devlin et al. 2019, arXiv 1810.04805).

Every token sees the whole text. `MaskedLM` predicts the tokens that were hidden,
`EncoderClassifier` the class of the text.
"""

from typing import Any, Literal

import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from .blocks import Block, FFNName, Order
from .decoder import check_length, default_ffn_dim
from .initialise import InitName, initialise
from .linear import Linear, linear
from .masks import Mask
from .norms import NormName, build_norm
from .positions import LearnedPositions, RotaryPositions, SinusoidalPositions


class Encoder(nn.Module):
    """What each token means in its text: a vector of `d_model` numbers.

    The defaults are BERT's: learned positions, post-norm, GELU, N(0, 0.02^2), a norm
    over the embeddings. (BERT's vector for the first or second sentence is left out.)
    """

    def __init__(
        self,
        vocab: int,
        context: int,
        *,
        d_model: int = 128,
        layers: int = 4,
        heads: int = 4,
        ffn_dim: int | None = None,
        positions: Literal["learned", "sinusoidal", "rope", "none"] = "learned",
        norm: NormName = "layer",
        order: Order = "post",
        ffn: FFNName = "gelu",
        bias: bool = True,
        dropout: float = 0.0,
        init: InitName = "scaled",
    ):
        super().__init__()
        self.vocab, self.context, self.d_model = vocab, context, d_model
        self.embedding = nn.Embedding(vocab, d_model)
        self.positions = self.rotary = None
        if positions == "learned":
            self.positions = LearnedPositions(context, d_model)
        elif positions == "sinusoidal":
            self.positions = SinusoidalPositions(context, d_model)
        elif positions == "rope":
            self.rotary = RotaryPositions(context, d_model // heads)
        elif positions != "none":
            raise ValueError(
                f"positions = {positions!r}: must be learned, sinusoidal, rope or none"
            )
        self.embedding_norm = build_norm(norm, d_model, bias=bias)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(
                d_model,
                heads,
                ffn_dim or default_ffn_dim(d_model, ffn),
                order=order,
                norm=norm,
                ffn=ffn,
                bias=bias,
                dropout=dropout,
            )
            for _ in range(layers)
        )
        self.norm = build_norm(norm, d_model, bias=bias) if order == "pre" else None
        initialise(self, init)

    @contract
    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        pad_mask: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """A vector for each token; at padding it means nothing, and none sees it."""
        time = tokens.shape[1]
        check_length(0, time, self.context)
        x = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions(slice(0, time))
        x = self.drop(self.embedding_norm(x))
        rotation = None if self.rotary is None else self.rotary(slice(0, time))
        mask = Mask(pad_mask=pad_mask)
        for block in self.blocks:
            x = block(x, mask, rotation=rotation)
        return x if self.norm is None else self.norm(x)


class MaskedLM(nn.Module):
    """Logits of each token, seen or hidden (section 3.1, task 1).

    The head: a linear map, GELU, a norm, then the embedding's matrix and a bias.
    Options are those of `Encoder`.
    """

    def __init__(self, vocab: int, context: int, **options: Any):
        super().__init__()
        self.encoder = Encoder(vocab, context, **options)
        self.vocab, self.context = vocab, context
        d_model = self.encoder.d_model
        self.transform = Linear(d_model, d_model)
        self.norm = build_norm(options.get("norm", "layer"), d_model)
        self.bias = nn.Parameter(self.transform.bias.new_zeros(vocab))
        initialise(self.transform, options.get("init", "scaled"))

    @contract
    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        pad_mask: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time {self.vocab}"]:
        """Logits of what stood at each place; `pad_mask` is True at real tokens."""
        x = self.norm(F.gelu(self.transform(self.encoder(tokens, pad_mask))))
        return linear(x, self.encoder.embedding.weight, self.bias)


class EncoderClassifier(nn.Module):
    """Logits of the class of a text.

    `pool` mean: from the mean over the real tokens; first: from the first token (BERT's
    [CLS]), through a linear map and tanh. Options are those of `Encoder`.
    """

    def __init__(
        self,
        vocab: int,
        context: int,
        classes: int,
        *,
        pool: Literal["mean", "first"] = "mean",
        **options: Any,
    ):
        super().__init__()
        if pool not in ("mean", "first"):
            raise ValueError(f"pool = {pool!r}: must be mean or first")
        self.encoder = Encoder(vocab, context, **options)
        self.vocab, self.context, self.classes = vocab, context, classes
        d_model, self.pool = self.encoder.d_model, pool
        self.transform = Linear(d_model, d_model) if pool == "first" else None
        self.drop = nn.Dropout(options.get("dropout", 0.0))
        self.head = Linear(d_model, classes)
        for part in filter(None, (self.transform, self.head)):
            initialise(part, options.get("init", "scaled"))

    @contract
    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        pad_mask: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch {self.classes}"]:
        """Logits; a text of padding alone is a ValueError."""
        if pad_mask is not None and not bool(pad_mask.any(1).all()):
            row = int((~pad_mask.any(1)).nonzero()[0])
            raise ValueError(f"row {row} of the batch has no real token")
        x = self.encoder(tokens, pad_mask)
        if self.transform is not None:
            pooled = self.transform(x[:, 0]).tanh()
        elif pad_mask is None:
            pooled = x.mean(1)
        else:
            pooled = (x * pad_mask[..., None]).sum(1) / pad_mask.sum(1, keepdim=True)
        return self.head(self.drop(pooled))
