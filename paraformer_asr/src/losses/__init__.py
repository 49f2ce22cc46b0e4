"""What is minimised beside the cross entropy of the tokens."""

from dataclasses import dataclass

from .ctc import ctc_loss
from .mwer import mwer_loss
from .quantity import quantity_loss


__all__ = ["LossConfig", "ctc_loss", "mwer_loss", "quantity_loss"]


@dataclass(frozen=True, slots=True)
class LossConfig:
    """(1 - ctc) L_CE + ctc L_CTC + quantity L_quantity + mwer L_MWER."""

    label_smoothing: float = 0.1
    """Share of the target's probability spread over the whole vocabulary, 0 to 1."""
    ctc: float = 0.3
    """Share of CTC in the sum with the cross entropy, 0 to 1."""
    ctc_from: float = 0.15
    """Share of the training after which CTC counts; earlier it flattens the encoder."""
    quantity: float = 1.0
    """Weight of the number of tokens."""
    mwer: float = 0.0
    """Weight of the expected errors; for the end of a training."""
    mwer_from: float = 0.8
    """Share of the training after which the expected errors count."""

    def __post_init__(self):
        for name in ("label_smoothing", "ctc", "ctc_from", "mwer_from"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} = {value}: must be in [0, 1]")
        for name in ("quantity", "mwer"):
            value = getattr(self, name)
            if not value >= 0:
                raise ValueError(f"{name} = {value}: must be at least 0")

    def unheeded(self, model: str) -> list[str]:
        """Weights that were changed and that a model of this name does not have.

        The times at which they start may stand: recipes are for several models.
        """
        none = {
            "ctc": ("label_smoothing", "ctc", "quantity"),
            "transformer": ("quantity",),
        }
        plain = LossConfig()
        names = none.get(model, ())
        return [name for name in names if getattr(self, name) != getattr(plain, name)]
