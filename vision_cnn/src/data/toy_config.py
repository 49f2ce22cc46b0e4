"""How many toy patterns, and how they look."""

from dataclasses import dataclass


PATTERNS = ("stripes", "checks", "blobs", "rings", "spirals")


@dataclass(frozen=True, slots=True)
class ToyConfig:
    size: int = 32
    """Side in pixels, 8 to 256."""
    channels: int = 3
    """1 grey, 3 RGB."""
    patterns: tuple[str, ...] = PATTERNS[:4]
    """The classes; "spirals" differ from "rings" only where much is seen at once."""
    n_train: int = 2000
    n_val: int = 500
    n_test: int = 500
    noise: float = 0.1
    """Deviation of the noise of each value, 0 to 1 (of the range)."""

    def __post_init__(self) -> None:
        if not 8 <= self.size <= 256:
            raise ValueError(f"size = {self.size}: must be from 8 to 256")
        if self.channels not in (1, 3):
            raise ValueError(f"channels = {self.channels}: must be 1 or 3")
        known = set(self.patterns) <= set(PATTERNS)
        if not known or not 2 <= len(self.patterns) == len(set(self.patterns)):
            raise ValueError(
                f"patterns = {', '.join(self.patterns) or 'none'}: must be two or more "
                f"different ones of {', '.join(PATTERNS)}"
            )
        for name in ("n_train", "n_val", "n_test"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be > 0")
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise = {self.noise}: must be from 0 to 1")
