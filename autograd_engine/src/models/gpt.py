"""A Transformer that predicts the next token (Radford et al. 2019, GPT-2).

Pre-norm blocks: x + attention(norm(x)), then x + mlp(norm(x)). The embedding of the
tokens is also the matrix of the logits.
"""

from math import sqrt

import numpy as np
from jaxtyping import Float, Int

from .. import functional as F
from .. import nn
from ..engine.tensor import Tensor, from_numpy
from ..nn import init
from ..utils.contracts import contract


class CausalSelfAttention(nn.Module):
    """softmax(q k^T / sqrt(head_dim)) v over the past, in `n_heads` parts."""

    def __init__(self, d_model: int, n_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model {d_model} does not split into {n_heads} heads")
        self.d_model, self.n_heads, self.dropout = d_model, n_heads, dropout
        self.qkv = nn.Linear(d_model, 3 * d_model, bias=False)
        self.proj = nn.Linear(d_model, d_model, bias=False)

    @contract
    def forward(
        self, x: Float[Tensor, "batch tokens {self.d_model}"]
    ) -> Float[Tensor, "batch tokens {self.d_model}"]:
        batch, tokens, d_model = x.shape
        split = 3, self.n_heads, d_model // self.n_heads
        qkv = self.qkv(x).reshape(batch, tokens, *split)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (batch, heads, tokens, head)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        y = self.proj(y.transpose(1, 2).reshape(batch, tokens, d_model))
        return F.dropout(y, self.dropout, training=self.training)


class Block(nn.Module):
    """Attention between the places, then an MLP at each of them."""

    def __init__(self, d_model: int, n_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.d_model, self.dropout = d_model, dropout
        self.norm1 = nn.LayerNorm(d_model, bias=False)
        self.attention = CausalSelfAttention(d_model, n_heads, dropout)
        self.norm2 = nn.LayerNorm(d_model, bias=False)
        self.up = nn.Linear(d_model, 4 * d_model, bias=False)
        self.down = nn.Linear(4 * d_model, d_model, bias=False)

    @contract
    def forward(
        self, x: Float[Tensor, "batch tokens {self.d_model}"]
    ) -> Float[Tensor, "batch tokens {self.d_model}"]:
        x = x + self.attention(self.norm1(x))
        y = self.down(F.gelu(self.up(self.norm2(x))))
        return x + F.dropout(y, self.dropout, training=self.training)


class GPT(nn.Module):
    """Tokens and their places embedded, `n_layers` blocks, logits of the next token."""

    def __init__(
        self,
        vocab: int,
        block: int,
        d_model: int,
        n_heads: int,
        n_layers: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.vocab, self.block, self.dropout = vocab, block, dropout
        self.wte = nn.Embedding(vocab, d_model)
        self.wpe = nn.Embedding(block, d_model)
        self.blocks = nn.ModuleList(
            Block(d_model, n_heads, dropout) for _ in range(n_layers)
        )
        self.norm = nn.LayerNorm(d_model, bias=False)
        self._initialise(n_layers)

    def _initialise(self, n_layers: int) -> None:
        """Normal, 0.02; less where the residual path is added to (GPT-2, 2.3)."""
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                ends = name.endswith(("proj.weight", "down.weight"))
                std = 0.02 / sqrt(2 * n_layers) if ends else 0.02
                init.normal_(parameter, 0.0, std)

    @contract
    def forward(
        self, ids: Int[Tensor, "batch tokens"]
    ) -> Float[Tensor, "batch tokens {self.vocab}"]:
        tokens = ids.shape[1]
        if tokens > self.block:
            raise ValueError(f"GPT reads {self.block} tokens, not {tokens}")
        places = from_numpy(np.arange(tokens)).to(ids.device)
        x = self.wte(ids) + self.wpe(places)
        x = F.dropout(x, self.dropout, training=self.training)
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.wte.weight)
