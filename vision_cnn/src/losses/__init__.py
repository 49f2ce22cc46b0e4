"""What is minimised."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LossConfig:
    label_smoothing: float = 0.0
    """Share of the target spread over all classes (Szegedy et al. 2016, section 7)."""
    sam_rho: float = 0.0
    """Radius of sharpness-aware minimisation (Foret et al. 2021); 0 is off."""

    def __post_init__(self):
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"label_smoothing = {self.label_smoothing}: must be in [0, 1)"
            )
        if self.sam_rho < 0:
            raise ValueError(f"sam_rho = {self.sam_rho}: must be >= 0")
