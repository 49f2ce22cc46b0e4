"""A layer of the Transformer encoder (Vaswani et al. 2017, section 3.1), pre-norm.

The norm stands before each part and not behind the sum (Xiong et al. 2020,
arXiv 2002.04745), so that deep stacks train without a long warm-up.
"""

from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .attention import Attention
from .feed_forward import FeedForward
from .memory import LayerMemory
from .scene import Scene


class TransformerLayer(nn.Module):
    """x + Attention(LN x), then x + FFN(LN x)."""

    def __init__(self, d_model: int, heads: int, ff: int, dropout: float = 0.0):
        super().__init__()
        self.d_model, self.kernel = d_model, 1
        self.attention_norm = nn.LayerNorm(d_model)
        self.attention = Attention(d_model, heads)
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
        if memory is None:
            heard = self.attention(normed, normed, scene.mask)
        else:
            kept = memory.attend(self.attention.project(normed))
            heard = self.attention.attend(normed, kept, scene.mask)
        x = x + self.drop(heard)
        return x + self.drop(self.feed_forward(self.feed_forward_norm(x)))
