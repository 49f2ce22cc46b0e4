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
from .depthwise import DepthwiseConvolution
from .feed_forward import FeedForward
from .linear import Linear
from .memory import LayerMemory
from .relative_attention import RelativeAttention
from .scene import Scene


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
        self.d_model, self.kernel = d_model, kernel
        self.norms = nn.ModuleList(nn.LayerNorm(d_model) for _ in range(5))
        self.first = FeedForward(d_model, ff, activation="swish")
        self.attention = RelativeAttention(d_model, heads)
        self.convolution = ConvolutionModule(d_model, kernel, causal=causal)
        self.second = FeedForward(d_model, ff, activation="swish")
        self.drop = nn.Dropout(dropout)

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.d_model}"],
        scene: Scene,
        memory: LayerMemory | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """The frames, after each has looked at those that it may see."""
        first, attention, convolution, second, last = self.norms
        x = x + self.drop(self.first(first(x))) / 2
        heard = self.attention(attention(x), scene.distances, scene.mask, memory)
        x = x + self.drop(heard)
        heard = self.convolution(convolution(x), scene.time_mask, memory)
        x = x + self.drop(heard)
        return last(x + self.drop(self.second(second(x))) / 2)


class ConvolutionModule(nn.Module):
    """Gated linear unit, depthwise convolution, norm, Swish, projection (figure 2)."""

    def __init__(self, d_model: int, kernel: int = 15, *, causal: bool = False):
        super().__init__()
        self.d_model = d_model
        self.gate = Linear(d_model, 2 * d_model)
        self.depthwise = DepthwiseConvolution(d_model, kernel, causal=causal)
        self.norm = nn.LayerNorm(d_model)
        self.out = Linear(d_model, d_model)

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.d_model}"],
        time_mask: Bool[Tensor, "batch time"] | None = None,
        memory: LayerMemory | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """Each frame from those around it, or up to it where causal."""
        x = self.depthwise(F.glu(self.gate(x), -1), time_mask, memory)
        return self.out(F.silu(self.norm(x)))
