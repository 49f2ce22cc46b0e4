"""Position-wise feed-forward network (Vaswani et al. 2017, section 3.3)."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .linear import Linear


ACTIVATIONS = {"relu": F.relu, "swish": F.silu}


class FeedForward(nn.Module):
    """W2 f(W1 x); f is ReLU in the Transformer, Swish in the Conformer."""

    def __init__(self, d_model: int, ff: int, activation: str = "relu"):
        super().__init__()
        self.d_model = d_model
        self.expand, self.out = Linear(d_model, ff), Linear(ff, d_model)
        self.activation = ACTIVATIONS[activation]

    @contract
    def forward(
        self, x: Float[Tensor, "batch time {self.d_model}"]
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """Each frame for itself."""
        return self.out(self.activation(self.expand(x)))
