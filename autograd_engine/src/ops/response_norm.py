"""Local response normalisation (Krizhevsky et al. 2012, section 3.3)."""

import math

from jaxtyping import Float

from ..engine.backend import array_module
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .fused import constant


@contract
def local_response_norm(
    input: Float[Tensor, "batch channel length ..."],
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Float[Tensor, "batch channel length ..."]:
    """x / (k + alpha mean of x^2 over `size` neighbouring channels)^beta."""
    xp, channels = array_module(input.data), input.shape[1]
    at = xp.arange(channels)
    # Channel c sees c - size // 2 to c + (size - 1) // 2; what is outside counts as 0.
    gap = at[None] - at[:, None]
    window = (gap >= -(size // 2)) & (gap <= (size - 1) // 2)
    flat = input.reshape(*input.shape[:2], math.prod(input.shape[2:]))
    near = constant(window.astype(input.dtype)) @ (flat * flat)
    power = (near.reshape(input.shape) * (alpha / size) + k) ** beta
    return input / power
