"""Attention that knows how far away a frame is (Transformer-XL, Dai et al. 2019).

Section 3.3, arXiv 1901.02860: the score of query i and key j is
(q_i + u)' k_j + (q_i + v)' W_r r_{i-j}, over sqrt(head_dim). The sinusoids r of all
distances are projected once; the terms of row i are those of row 0, shifted by i.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .attention import Attention, AttentionMask, KeysValues
from .linear import Linear
from .memory import LayerMemory


class RelativeAttention(Attention):
    """Multi-head self-attention by content and by distance."""

    def __init__(self, d_model: int, heads: int):
        super().__init__(d_model, heads)
        self.r = Linear(d_model, d_model, bias=False)
        self.u = nn.Parameter(torch.zeros(heads, self.head_dim))
        self.v = nn.Parameter(torch.zeros(heads, self.head_dim))

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.d_model}"],
        distances: Float[Tensor, "distances {self.d_model}"],
        mask: AttentionMask | None = None,
        memory: LayerMemory | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """Let each frame take from those that the mask shows it.

        `distances` are the sinusoids of total - 1, total - 2, ..., 1 - time, where
        `total` are the frames of `x` and those in `memory`.
        """
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).unbind(2)
        kept = KeysValues(k.transpose(1, 2), v.transpose(1, 2))
        if memory is not None:
            kept = memory.attend(kept)
        bias = shift(self._by_distance(q, self.r(distances)))
        if mask is not None:
            bias = bias.masked_fill(~mask[:, None], torch.finfo(x.dtype).min)
        q = (q + self.u).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(q, *kept, bias)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _by_distance(self, q: Tensor, r: Tensor) -> Tensor:
        """(q + v)' r / sqrt(head_dim) for all distances: one product for each head."""
        batch, time, _, _ = q.shape
        q = (q + self.v) * self.head_dim**-0.5
        q = q.permute(2, 0, 1, 3).reshape(self.heads, batch * time, self.head_dim)
        r = r.unflatten(1, (self.heads, self.head_dim)).permute(1, 2, 0)
        return (q @ r).unflatten(1, (batch, time)).transpose(0, 1)


@contract
def shift(
    by_distance: Float[Tensor, "batch heads time distances"],
) -> Float[Tensor, "batch heads time distances-time+1"]:
    """Column j of row i is distance i - j, where the columns fall by one (appendix B).

    Row i begins `i` places further left than row 0, so the result is a view of the same
    memory with rows that are one place shorter: nothing is copied.
    """
    batch, heads, time, distances = by_distance.shape
    item, head, row, column = by_distance.stride()
    return by_distance.as_strided(
        (batch, heads, time, distances - time + 1),
        (item, head, row - column, column),
        by_distance.storage_offset() + (time - 1) * column,
    )
