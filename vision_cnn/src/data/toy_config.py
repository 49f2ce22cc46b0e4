"""How many toy patterns, and how they look."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToyConfig:
    size: int = 32
    """Side in pixels, 8 to 256."""
    n_train: int = 2000
    n_val: int = 500
    n_test: int = 500
    noise: float = 0.1
    """Deviation of the noise of a pixel, 0 to 1 (of the range)."""

    def __post_init__(self) -> None:
        if not 8 <= self.size <= 256:
            raise ValueError(f"size = {self.size}: must be from 8 to 256")
        for name in ("n_train", "n_val", "n_test"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be > 0")
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise = {self.noise}: must be from 0 to 1")
