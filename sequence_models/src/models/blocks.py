"""Transformer layers: attention and feed-forward, each with a residual and a norm.

`post` is the order of the paper, norm(x + f(x)) (Vaswani et al. 2017); `pre` is
x + f(norm(x)) (GPT-2; Xiong et al. 2020), which needs one norm more after the last
layer: the network's, not the block's.
"""

from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .attention import Attention, CrossAttention
from .cache import LayerCache
from .linear import Linear
from .masks import EVERYTHING, Mask
from .norms import NormName, build_norm
from .positions import Rotation


FFNName = Literal["relu", "gelu", "gelu_tanh", "swiglu"]
Order = Literal["pre", "post"]


class Block(nn.Module):
    """Self-attention, with `cross` attention to a source, then feed-forward.

    `dropout` is that of each branch before it is added, and of the attention weights.
    """

    def __init__(
        self,
        d_model: int,
        heads: int,
        ffn_dim: int,
        *,
        order: Order = "pre",
        norm: NormName = "layer",
        ffn: FFNName = "gelu",
        kv_heads: int | None = None,
        qk_norm: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
        cross: bool = False,
    ):
        super().__init__()
        if order not in ("pre", "post"):
            raise ValueError(f"order = {order!r}: must be pre or post")
        self.d_model, self.order = d_model, order
        self.attend = Attention(
            d_model,
            heads,
            kv_heads=kv_heads,
            bias=bias,
            dropout=dropout,
            qk_norm=qk_norm,
        )
        self.attend_norm = build_norm(norm, d_model, bias=bias)
        self.cross = self.cross_norm = None
        if cross:
            self.cross = CrossAttention(
                d_model, heads, kv_heads=kv_heads, bias=bias, dropout=dropout
            )
            self.cross_norm = build_norm(norm, d_model, bias=bias)
        self.feed = FeedForward(d_model, ffn_dim, ffn, bias=bias)
        self.feed_norm = build_norm(norm, d_model, bias=bias)
        self.drop = nn.Dropout(dropout)

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.d_model}"],
        mask: Mask = EVERYTHING,
        *,
        rotation: Rotation | None = None,
        cache: LayerCache | None = None,
        encoded: Float[Tensor, "batch source_time {self.d_model}"] | None = None,
        source_mask: Mask = EVERYTHING,
        source_cache: LayerCache | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """Mix across tokens, take from the source, then work within each token."""
        if self.order == "pre":
            y = self.attend(self.attend_norm(x), mask, rotation=rotation, cache=cache)
            x = x + self.drop(y)
            if self.cross is not None:
                y = self.cross_norm(x)
                y = self.cross(y, encoded, source_mask, cache=source_cache)
                x = x + self.drop(y)
            return x + self.drop(self.feed(self.feed_norm(x)))
        y = self.attend(x, mask, rotation=rotation, cache=cache)
        x = self.attend_norm(x + self.drop(y))
        if self.cross is not None:
            y = self.cross(x, encoded, source_mask, cache=source_cache)
            x = self.cross_norm(x + self.drop(y))
        return self.feed_norm(x + self.drop(self.feed(x)))


class FeedForward(nn.Module):
    """Two linear maps with a non-linearity between, token by token.

    relu: Vaswani et al. 2017, eq. 2; gelu: Hendrycks & Gimpel 2016, exact, or with its
    tanh approximation (GPT-2); swiglu: (silu(x W) * x V) W2 (Shazeer 2020, eq. 6), for
    which `up` holds W and then V.
    """

    def __init__(
        self, d_model: int, hidden: int, kind: FFNName = "gelu", *, bias: bool = True
    ):
        super().__init__()
        if kind not in ("relu", "gelu", "gelu_tanh", "swiglu"):
            raise ValueError(f"ffn = {kind!r}: must be relu, gelu, gelu_tanh or swiglu")
        self.d_model, self.kind = d_model, kind
        width = 2 * hidden if kind == "swiglu" else hidden
        self.up = Linear(d_model, width, bias=bias)
        self.down = Linear(hidden, d_model, bias=bias)

    @contract
    def forward(
        self, x: Float[Tensor, "batch time {self.d_model}"]
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """Work within each token."""
        y = self.up(x)
        if self.kind == "swiglu":
            gate, value = y.chunk(2, dim=-1)
            return self.down(F.silu(gate) * value)
        if self.kind == "relu":
            return self.down(F.relu(y))
        approximate = "tanh" if self.kind == "gelu_tanh" else "none"
        return self.down(F.gelu(y, approximate=approximate))
