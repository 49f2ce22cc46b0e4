"""A layer of SAN-M, the encoder of Paraformer (Gao et al. 2020, arXiv 2006.01713).

Attention looks everywhere, and beside it a memory block of the FSMN kind (Zhang et al.
2015, arXiv 1512.08301) filters the values of the frames around: both are added.
"""

from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .attention import Attention
from .depthwise import DepthwiseConvolution
from .feed_forward import FeedForward
from .memory import LayerMemory
from .scene import Scene


class SanmLayer(nn.Module):
    """x + Attention(LN x) + Memory(V), then x + FFN(LN x); Memory(V) = V + conv(V)."""

    def __init__(
        self,
        d_model: int,
        heads: int,
        ff: int,
        kernel: int = 11,
        dropout: float = 0.0,
        *,
        causal: bool = False,
    ):
        super().__init__()
        self.d_model, self.kernel = d_model, kernel
        self.attention_norm = nn.LayerNorm(d_model)
        self.attention = Attention(d_model, heads)
        self.memory_block = DepthwiseConvolution(
            d_model, kernel, causal=causal, bias=False
        )
        self.feed_forward_norm = nn.LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, ff)
        self.drop = nn.Dropout(dropout)

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.d_model}"],
        scene: Scene,
        memory: LayerMemory | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """The frames, after each has looked at those that it may see."""
        normed = self.attention_norm(x)
        new = self.attention.project(normed)
        v = new.v.transpose(1, 2).flatten(2)
        remembered = v + self.memory_block(v, scene.time_mask, memory)
        kept = new if memory is None else memory.attend(new)
        heard = self.attention.attend(normed, kept, scene.mask)
        x = x + self.drop(heard + remembered)
        return x + self.drop(self.feed_forward(self.feed_forward_norm(x)))
