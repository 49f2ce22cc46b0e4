"""Scaled dot-product and multi-head attention (Vaswani et al. 2017, section 3.2).

`attention_explicit` is the equation, `attention_sdpa` the same through the fast kernel.
A mask is True where a query may look; a query that sees nothing gets zeros.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .linear import Linear, linear


# One row of keys for all queries of an item, or one for each query.
AttentionMask = Bool[Tensor, "batch 1 total"] | Bool[Tensor, "batch time total"]


class KeysValues(NamedTuple):
    """What `Attention.project` made of the keys; two of them are joined by `append`."""

    k: Float[Tensor, "batch heads total head_dim"]
    v: Float[Tensor, "batch heads total head_dim"]

    def append(self, later: "KeysValues") -> "KeysValues":
        """These, then `later`."""
        return KeysValues(
            torch.cat((self.k, later.k), 2), torch.cat((self.v, later.v), 2)
        )


@contract
def attention_explicit(
    q: Float[Tensor, "batch heads time head_dim"],
    k: Float[Tensor, "batch heads total head_dim"],
    v: Float[Tensor, "batch heads total head_dim"],
    mask: AttentionMask | None = None,
) -> Float[Tensor, "batch heads time head_dim"]:
    """softmax(Q K' / sqrt(head_dim)) V (eq. 1); zeros where a query sees nothing."""
    scores = q @ k.mT / q.shape[-1] ** 0.5  # (batch, heads, time, total)
    if mask is not None:
        # The least number and not -inf: a row of -inf would give NaN.
        scores = scores.masked_fill(~mask[:, None], torch.finfo(q.dtype).min)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask[:, None]
    return weights @ v


@contract
def attention_sdpa(
    q: Float[Tensor, "batch heads time head_dim"],
    k: Float[Tensor, "batch heads total head_dim"],
    v: Float[Tensor, "batch heads total head_dim"],
    mask: AttentionMask | None = None,
) -> Float[Tensor, "batch heads time head_dim"]:
    """The same by F.scaled_dot_product_attention."""
    dense = None if mask is None else mask[:, None]
    return F.scaled_dot_product_attention(q, k, v, dense)


class Attention(nn.Module):
    """Multi-head attention; to itself where `queries` and `keys` are one tensor.

    `qkv` holds the projections to queries, keys and values below each other. For a
    cache: `attend(queries, project(keys), mask)` is `forward`, and what `project` gave
    can be kept.
    """

    def __init__(self, d_model: int, heads: int):
        super().__init__()
        if d_model % heads:
            raise ValueError(f"d_model {d_model} is not a multiple of heads {heads}")
        self.d_model, self.heads, self.head_dim = d_model, heads, d_model // heads
        self.qkv = Linear(d_model, 3 * d_model)
        self.out = Linear(d_model, d_model)

    @contract
    def forward(
        self,
        queries: Float[Tensor, "batch time {self.d_model}"],
        keys: Float[Tensor, "batch total {self.d_model}"],
        mask: AttentionMask | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """Let each query take from the keys that the mask shows it."""
        if queries is keys:
            q, k, v = self.qkv(queries).chunk(3, -1)
            q, kv = self._split(q), KeysValues(self._split(k), self._split(v))
            return self._mix(q, kv, mask)
        return self.attend(queries, self.project(keys), mask)

    @contract
    def project(self, keys: Float[Tensor, "batch total {self.d_model}"]) -> KeysValues:
        """Keys and values of all heads, for `attend`."""
        weight, bias = self.qkv.weight[self.d_model :], self.qkv.bias[self.d_model :]
        k, v = linear(keys, weight, bias).chunk(2, -1)
        return KeysValues(self._split(k), self._split(v))

    @contract
    def attend(
        self,
        queries: Float[Tensor, "batch time {self.d_model}"],
        kept: KeysValues,
        mask: AttentionMask | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """`forward` with keys and values that were projected before."""
        weight, bias = self.qkv.weight[: self.d_model], self.qkv.bias[: self.d_model]
        return self._mix(self._split(linear(queries, weight, bias)), kept, mask)

    def _split(self, x: Tensor) -> Tensor:
        # (batch, time, d_model) -> (batch, heads, time, head_dim)
        return x.unflatten(2, (self.heads, self.head_dim)).transpose(1, 2)

    def _mix(self, q: Tensor, kv: KeysValues, mask: Tensor | None) -> Tensor:
        mixed = attention_sdpa(q, kv.k, kv.v, mask)
        return self.out(mixed.transpose(1, 2).flatten(2))
