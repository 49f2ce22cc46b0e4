"""Self-attention over the cells of a grid (Vaswani et al. 2017, arXiv 1706.03762).

The layer is the pre-norm one of the Vision Transformer (Dosovitskiy et al. 2020, arXiv
2010.11929, eqs. 2 and 3): x + attention(norm(x)), then x + mlp(norm(x)).
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract


Attention = Literal["explicit", "sdpa"]


class SelfAttention(nn.Module):
    """Multi-head self-attention.

    `explicit` is the formula, `sdpa` torch's fused kernel; both give the same numbers
    (with drop-out not the same random ones). The fused one never stores the weights.
    """

    def __init__(
        self,
        d_model: int,
        heads: int,
        *,
        dropout: float = 0.0,
        attention: Attention = "sdpa",
    ):
        super().__init__()
        if d_model % heads:
            raise ValueError(f"d_model {d_model} is not a multiple of heads {heads}")
        if attention not in ("explicit", "sdpa"):
            raise ValueError(f"attention {attention!r} is not explicit or sdpa")
        self.d_model, self.heads = d_model, heads
        self.dropout, self.attention = dropout, attention
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.out = nn.Linear(d_model, d_model)

    @contract
    def forward(
        self, x: Float[Tensor, "batch tokens {self.d_model}"]
    ) -> Float[Tensor, "batch tokens {self.d_model}"]:
        """Let each token take from all tokens what it asks for."""
        q, k, v = self._project(x)
        dropout = self.dropout if self.training else 0.0
        if self.attention == "sdpa":
            mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        else:
            mixed = F.dropout(attention_weights(q, k), dropout) @ v
        return self.out(mixed.transpose(1, 2).flatten(2))

    @contract
    def weights(
        self, x: Float[Tensor, "batch tokens {self.d_model}"]
    ) -> Float[Tensor, "batch {self.heads} tokens tokens"]:
        """Return how much each token (row) takes from each token; rows sum to one."""
        q, k, _ = self._project(x)
        return attention_weights(q, k)

    def _project(self, x: Tensor) -> tuple[Tensor, ...]:
        qkv = self.qkv(x).unflatten(2, (3, self.heads, -1))
        return qkv.permute(2, 0, 3, 1, 4).unbind()  # 3 x (batch heads tokens head_dim)


@contract
def attention_weights(
    q: Float[Tensor, "batch heads tokens head_dim"],
    k: Float[Tensor, "batch heads tokens head_dim"],
) -> Float[Tensor, "batch heads tokens tokens"]:
    """softmax(Q K^T / sqrt(head_dim)) (Vaswani et al. 2017, eq. 1)."""
    return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(dim=-1)


class TransformerLayer(nn.Module):
    """Pre-norm: self-attention and a two-layer perceptron, each added to its input."""

    def __init__(
        self,
        d_model: int,
        heads: int,
        *,
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        attention: Attention = "sdpa",
    ):
        super().__init__()
        self.d_model = d_model
        hidden = int(d_model * mlp_ratio)
        self.norm1 = nn.LayerNorm(d_model)
        self.attend = SelfAttention(
            d_model, heads, dropout=dropout, attention=attention
        )
        self.dropout = nn.Dropout(dropout)
        self.norm2 = nn.LayerNorm(d_model)
        self.mlp = nn.Sequential(
            nn.Linear(d_model, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, d_model),
            nn.Dropout(dropout),
        )
        self.drop_path = DropPath(drop_path)

    @contract
    def forward(
        self, x: Float[Tensor, "batch tokens {self.d_model}"]
    ) -> Float[Tensor, "batch tokens {self.d_model}"]:
        """Mix across tokens, then within each token."""
        x = x + self.drop_path(self.dropout(self.attend(self.norm1(x))))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016, arXiv 1603.09382).

    In training, a sample's branch is dropped with chance `rate` and else divided by
    1 - rate, which keeps its expectation.
    """

    def __init__(self, rate: float = 0.0):
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"drop_path {rate} is not in [0, 1)")
        self.rate = rate

    @contract
    def forward(
        self, branch: Float[Tensor, "batch tokens d_model"]
    ) -> Float[Tensor, "batch tokens d_model"]:
        """Drop whole samples of `branch`."""
        if not self.training or self.rate == 0:
            return branch
        kept = torch.empty_like(branch[:, :1, :1]).bernoulli_(1 - self.rate)
        return branch * kept / (1 - self.rate)
