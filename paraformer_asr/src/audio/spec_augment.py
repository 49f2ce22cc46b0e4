"""SpecAugment (Park et al. 2019, arXiv 1904.08779): bands of time and mel hidden."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


@dataclass(frozen=True, slots=True)
class SpecAugmentConfig:
    """How many bands are hidden, and how wide; the defaults hide nothing."""

    frequency_masks: int = 0
    frequency_width: int = 8
    """Widest band, in mels; F in the paper."""
    time_masks: int = 0
    time_width: int = 20
    """Longest stretch, in frames; T in the paper."""
    time_share: float = 0.2
    """No stretch is longer than this share of the utterance; p in the paper."""

    def __post_init__(self):
        for name in ("frequency_masks", "frequency_width", "time_masks", "time_width"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative: {getattr(self, name)}")
        if not 0 <= self.time_share <= 1:
            raise ValueError(f"time_share must be 0 to 1, not {self.time_share}")


@contract
def spec_augment(
    features: Float[Tensor, "frames dim"],
    config: SpecAugmentConfig,
    generator: np.random.Generator,
    *,
    stacked: int = 1,
) -> Float[Tensor, "frames dim"]:
    """A copy with each hidden value at its coefficient's mean over the utterance.

    A width is drawn from 0 to the widest, then its place, so that it fits in. `stacked`
    (lfr_m) frames side by side are hidden alike in frequency.
    """
    frames, dim = features.shape
    if frames == 0 or not (config.frequency_masks or config.time_masks):
        return features
    mels = dim // stacked
    longest = min(config.time_width, int(config.time_share * frames))
    in_time = [_band(frames, longest, generator) for _ in range(config.time_masks)]
    in_frequency = [
        _band(mels, config.frequency_width, generator)
        for _ in range(config.frequency_masks)
    ]
    out = features.clone().view(frames, stacked, mels)
    mean = features.mean(0).view(stacked, mels)
    for start, end in in_time:
        out[start:end] = mean
    for start, end in in_frequency:
        out[:, :, start:end] = mean[:, start:end]
    return out.view(frames, dim)


def _band(size: int, widest: int, generator: np.random.Generator) -> tuple[int, int]:
    width = int(generator.integers(0, min(widest, size), endpoint=True))
    start = int(generator.integers(0, size - width, endpoint=True))
    return start, start + width
