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
        r = self.r(distances).unflatten(1, (self.heads, -1)).permute(1, 2, 0)
        bias = shift((q + self.v).transpose(1, 2) @ r) / self.head_dim**0.5
        if mask is not None:
            bias = bias.masked_fill(~mask[:, None], torch.finfo(x.dtype).min)
        q = (q + self.u).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(q, *kept, bias)
        return self.out(mixed.transpose(1, 2).flatten(2))


@contract
def shift(
    by_distance: Float[Tensor, "batch heads time distances"],
) -> Float[Tensor, "batch heads time distances-time+1"]:
    """Column j of row i is distance i - j, from columns that fall by one (appendix B).

    A column of zeros in front and another view of the same memory move each row one
    place further than the row before.
    """
    batch, heads, time, distances = by_distance.shape
    padded = F.pad(by_distance, (1, 0)).view(batch, heads, distances + 1, time)
    moved = padded[:, :, 1:].reshape(batch, heads, time, distances)
    return moved[..., : distances - time + 1]
