"""Scaled dot-product and multi-head attention (Vaswani et al. 2017, section 3.2).

`attention_explicit` is the equation, `attention_sdpa` the same through the fast kernel,
and `tiled_attention` (in its own file) the same in memory linear in the length. Fewer
`kv_heads` than heads is grouped-query attention (Ainslie et al. 2023, arXiv 2305.13245;
one: Shazeer 2019): head h asks key head h // (heads / kv_heads).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .cache import LayerCache
from .linear import Linear
from .masks import EVERYTHING, Mask
from .norms import HeadNorm
from .positions import Rotation, rotate


@contract
def attention_explicit(
    q: Float[Tensor, "batch heads time head_dim"],
    k: Float[Tensor, "batch kv_heads total head_dim"],
    v: Float[Tensor, "batch kv_heads total head_dim"],
    mask: Mask = EVERYTHING,
    *,
    dropout: float = 0.0,
) -> Float[Tensor, "batch heads time head_dim"]:
    """softmax(Q K' / sqrt(head_dim)) V (eq. 1); zeros where a query sees nothing."""
    time, total = q.shape[2], k.shape[2]
    tile = time, total, slice(0, time), slice(0, total)
    groups = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    scores = q @ k.mT / q.shape[-1] ** 0.5  # (batch, heads, time, total)
    bias = mask.bias(*tile, q)
    if bias is not None:
        scores = scores + bias
    visible = mask.visible(*tile, q.device)
    if visible is None:
        weights = scores.softmax(-1)
    else:
        # The least number and not -inf: a row of -inf would give NaN.
        scores = scores.masked_fill(~visible, torch.finfo(q.dtype).min)
        weights = scores.softmax(-1) * visible.any(-1, keepdim=True)
    return F.dropout(weights, dropout) @ v


@contract
def attention_sdpa(
    q: Float[Tensor, "batch heads time head_dim"],
    k: Float[Tensor, "batch kv_heads total head_dim"],
    v: Float[Tensor, "batch kv_heads total head_dim"],
    mask: Mask = EVERYTHING,
    *,
    dropout: float = 0.0,
) -> Float[Tensor, "batch heads time head_dim"]:
    """The same by F.scaled_dot_product_attention, with no mask where none is needed."""
    time, total = q.shape[2], k.shape[2]
    causal, dense = False, None
    if not mask.hides_nothing(time, total):
        causal = mask.is_triangle(time, total)
        dense = None if causal else mask.dense(time, total, q)
    return F.scaled_dot_product_attention(
        q, k, v, dense, dropout, causal, enable_gqa=q.shape[1] != k.shape[1]
    )


class Attention(nn.Module):
    """Multi-head self-attention: one projection to queries, keys and values.

    `qkv` gives the queries of all heads, then the keys, then the values. `qk_norm` is
    an RMS norm of each query and key before they are turned, as in Qwen3 (arXiv
    2505.09388); Henry et al. 2020 (arXiv 2010.04245) gave them length 1 and one factor.
    """

    def __init__(
        self,
        d_model: int,
        heads: int,
        *,
        kv_heads: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        qk_norm: bool = False,
    ):
        super().__init__()
        self.d_model, self.heads = d_model, heads
        self.kv_heads = kv_heads or heads
        self.head_dim = _head_dim(d_model, heads, self.kv_heads)
        self.dropout = dropout
        both = heads + 2 * self.kv_heads
        self.qkv = Linear(d_model, both * self.head_dim, bias=bias)
        self.out = Linear(d_model, d_model, bias=bias)
        self.norm = HeadNorm(heads + self.kv_heads, self.head_dim) if qk_norm else None

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.d_model}"],
        mask: Mask = EVERYTHING,
        *,
        rotation: Rotation | None = None,
        cache: LayerCache | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """Let each token take from those that the mask shows it, and from the cache."""
        batch, time, _ = x.shape
        qkv = self.qkv(x).view(batch, time, -1, self.head_dim)
        qk, v = qkv.split((self.heads + self.kv_heads, self.kv_heads), dim=2)
        if self.norm is not None:
            qk = self.norm(qk)
        if rotation is not None:
            qk = rotate(qk, rotation)
        q, k = qk.split((self.heads, self.kv_heads), dim=2)
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        if cache is not None:
            k, v = cache.append(k, v)
        dropout = self.dropout if self.training else 0.0
        mixed = attention_sdpa(q, k, v, mask, dropout=dropout)
        return self.out(mixed.transpose(1, 2).reshape(batch, time, self.d_model))


class CrossAttention(nn.Module):
    """Multi-head attention of a decoder to what an encoder made of the source."""

    def __init__(
        self,
        d_model: int,
        heads: int,
        *,
        kv_heads: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.d_model, self.heads = d_model, heads
        self.kv_heads = kv_heads or heads
        self.head_dim = _head_dim(d_model, heads, self.kv_heads)
        self.dropout = dropout
        self.q = Linear(d_model, d_model, bias=bias)
        self.kv = Linear(d_model, 2 * self.kv_heads * self.head_dim, bias=bias)
        self.out = Linear(d_model, d_model, bias=bias)

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.d_model}"],
        encoded: Float[Tensor, "batch source_time {self.d_model}"],
        mask: Mask = EVERYTHING,
        *,
        cache: LayerCache | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """Let each token take from the source.

        An empty cache is filled with the source's keys and values; a full one saves
        computing them again.
        """
        q = self.q(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
        if cache is None:
            k, v = self._project(encoded)
        elif cache.past == 0:
            k, v = cache.append(*self._project(encoded))
        else:
            k, v = cache.stored()
        dropout = self.dropout if self.training else 0.0
        mixed = attention_sdpa(q, k, v, mask, dropout=dropout)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _project(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        kv = self.kv(encoded).unflatten(2, (2, self.kv_heads, -1))
        k, v = kv.permute(2, 0, 3, 1, 4).unbind()
        return k, v


def _head_dim(d_model: int, heads: int, kv_heads: int) -> int:
    if d_model % heads:
        raise ValueError(f"d_model {d_model} is not a multiple of heads {heads}")
    if heads % kv_heads:
        raise ValueError(f"heads {heads} is not a multiple of kv_heads {kv_heads}")
    return d_model // heads
