"""Sinusoidal positions (Vaswani et al. 2017, section 3.5)."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


@contract
def sinusoids(
    positions: Float[Tensor, " time"], d_model: int
) -> Float[Tensor, "time {d_model}"]:
    """PE(p, 2i) = sin(p / 10000^(2i / d_model)), PE(p, 2i+1) = the cosine."""
    rates = 10000.0 ** (-torch.arange(0, d_model, 2).to(positions) / d_model)
    angles = positions[:, None] * rates
    return torch.stack((angles.sin(), angles.cos()), 2).flatten(1)[:, :d_model]
