"""A block of the Conformer (Gulati et al. 2020, arXiv 2005.08100, section 2).

Half a feed-forward network, attention by relative position, a convolution, the other
half. The convolution's norm is a layer norm over the channels of each frame, where the
paper has a batch norm: no frame's result depends on padding or on other utterances, in
training neither, and there are no statistics to collect, share or stream.
"""

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .attention import AttentionMask
from .feed_forward import FeedForward
from .linear import Linear
from .relative_attention import RelativeAttention


class ConformerBlock(nn.Module):
    """x + FFN/2, x + attention, x + convolution, x + FFN/2, norm (figure 1)."""

    def __init__(
        self,
        d_model: int,
        heads: int,
        ff: int,
        kernel: int = 15,
        dropout: float = 0.0,
        *,
        causal: bool = False,
    ):
        super().__init__()
        self.d_model = d_model
        self.norms = nn.ModuleList(nn.LayerNorm(d_model) for _ in range(5))
        self.first = FeedForward(d_model, ff, dropout, "swish")
        self.attention = RelativeAttention(d_model, heads, dropout)
        self.convolution = ConvolutionModule(d_model, kernel, causal=causal)
        self.second = FeedForward(d_model, ff, dropout, "swish")
        self.drop = nn.Dropout(dropout)

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.d_model}"],
        distances: Float[Tensor, "2*time-1 {self.d_model}"],
        mask: AttentionMask | None = None,
        time_mask: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """The frames, after each has looked at those that the masks show it."""
        before_first, before_attention, before_convolution, before_second, last = (
            self.norms
        )
        x = x + self.drop(self.first(before_first(x))) / 2
        x = x + self.drop(self.attention(before_attention(x), distances, mask))
        x = x + self.drop(self.convolution(before_convolution(x), time_mask))
        return last(x + self.drop(self.second(before_second(x))) / 2)


class ConvolutionModule(nn.Module):
    """Gated linear unit, depthwise convolution, norm, Swish, projection (figure 2)."""

    def __init__(self, d_model: int, kernel: int = 15, *, causal: bool = False):
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel = {kernel}: must be odd")
        self.d_model, self.kernel, self.causal = d_model, kernel, causal
        self.gate = Linear(d_model, 2 * d_model)
        self.depthwise = nn.Conv1d(d_model, d_model, kernel, groups=d_model)
        self.norm = nn.LayerNorm(d_model)
        self.out = Linear(d_model, d_model)

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.d_model}"],
        time_mask: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """Each frame from `kernel` frames around it, or up to it where causal."""
        x = F.glu(self.gate(x), -1)
        if time_mask is not None:
            x = x.masked_fill(~time_mask[..., None], 0.0)
        left = self.kernel - 1 if self.causal else self.kernel // 2
        x = F.pad(x.transpose(1, 2), (left, self.kernel - 1 - left))
        x = self.depthwise(x).transpose(1, 2)
        return self.out(F.silu(self.norm(x)))
