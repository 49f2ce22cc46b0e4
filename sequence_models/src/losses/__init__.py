"""What is minimised: the surprise of the right token, in nats."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from ..utils.contracts import contract


NOT_SCORED = -100
"""A target that stands for none: padding, a prompt, a word that was not masked."""


@dataclass(frozen=True, slots=True)
class LossConfig:
    label_smoothing: float = 0.0
    """Share of the target's probability spread over the whole vocabulary, 0 to 1."""

    def __post_init__(self):
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"label_smoothing = {self.label_smoothing}: must be in [0, 1)"
            )


@contract
def token_loss(
    logits: Float[Tensor, "batch time vocab"],
    targets: Int[Tensor, "batch time"],
    label_smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Mean of -log softmax(logits)[target] over the scored tokens.

    Smoothed: the target is (1 - s) of itself and s of all alike (Szegedy et al. 2016,
    section 7). No token scored: 0, with zero gradient.
    """
    total = F.cross_entropy(
        logits.flatten(0, 1),
        targets.flatten(),
        ignore_index=NOT_SCORED,
        label_smoothing=label_smoothing,
        reduction="sum",
    )
    return total / (targets != NOT_SCORED).sum().clamp(min=1)
