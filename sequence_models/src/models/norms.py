"""Layer norm (Ba et al. 2016), RMS norm (Zhang & Sennrich 2019, arXiv 1910.07467)."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract


NormName = Literal["layer", "rms"]


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight (eq. 4): no mean is taken off, no bias."""

    def __init__(self, features: int, eps: float = 1e-5):
        super().__init__()
        self.features, self.eps = features, eps
        self.weight = nn.Parameter(torch.ones(features))

    @contract
    def forward(
        self, x: Float[Tensor, "... {self.features}"]
    ) -> Float[Tensor, "... {self.features}"]:
        """Give each vector the root mean square of `weight`."""
        return _scaled(x, self.eps) * self.weight


class HeadNorm(nn.Module):
    """RMS norm of each head's vector, with a weight of its own: the norm of QK-norm.

    The weights lie in one row, so that an optimiser does not take them for a matrix.
    """

    def __init__(self, heads: int, head_dim: int, eps: float = 1e-5):
        super().__init__()
        self.heads, self.head_dim, self.eps = heads, head_dim, eps
        self.weight = nn.Parameter(torch.ones(heads * head_dim))

    @contract
    def forward(
        self, x: Float[Tensor, "batch time {self.heads} {self.head_dim}"]
    ) -> Float[Tensor, "batch time {self.heads} {self.head_dim}"]:
        """Give each vector the root mean square of its head's weights."""
        return _scaled(x, self.eps) * self.weight.view(self.heads, self.head_dim)


def build_norm(name: NormName, features: int, *, bias: bool = True) -> nn.Module:
    """The norm by name; `bias` is for the layer norm only."""
    if name == "rms":
        return RMSNorm(features)
    if name == "layer":
        return nn.LayerNorm(features, bias=bias)
    raise ValueError(f"norm = {name!r}: must be layer or rms")


def _scaled(x: Tensor, eps: float) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
