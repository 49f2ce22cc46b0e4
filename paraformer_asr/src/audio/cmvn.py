"""Mean and variance normalisation: of each utterance, or of a whole data set."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


LEAST = 1e-3
"""A deviation below counts as this, so that a constant coefficient becomes 0."""


class Moments(NamedTuple):
    """Mean and deviation of each coefficient, as plain numbers."""

    mean: list[float]
    std: list[float]


@contract
def normalise(features: Float[Tensor, "frames mels"]) -> Float[Tensor, "frames mels"]:
    """Each coefficient of one utterance with mean 0 and variance 1 over its frames.

    One that never changes becomes 0; so does all of a single frame.
    """
    if features.shape[0] == 0:
        return features
    apart = features - features[:1]  # exactly 0 where nothing changes
    centred = apart.sub_(apart.mean(0))
    return centred / centred.square().mean(0).clamp_min(LEAST**2).sqrt()


class MomentSums:
    """Mean and variance of many utterances, summed in float64."""

    def __init__(self, mels: int):
        self.mels = mels
        self.frames = 0
        self.mean = torch.zeros(mels, dtype=torch.float64)
        self.squares = torch.zeros(mels, dtype=torch.float64)

    @contract
    def add(self, features: Float[Tensor, "frames {self.mels}"]) -> None:
        """Count in one utterance (the pairwise update of Chan et al. 1979)."""
        frames = features.shape[0]
        if frames == 0:
            return
        values = features.double()
        mean = values.mean(0)
        apart, total = mean - self.mean, self.frames + frames
        self.squares += (values - mean).square().sum(0)
        self.squares += apart.square() * (self.frames * frames / total)
        self.mean += apart * (frames / total)
        self.frames = total

    def moments(self) -> Moments:
        """What was counted; ValueError where there was no frame."""
        if self.frames == 0:
            raise ValueError("no frames: every utterance was shorter than one window")
        std = (self.squares / self.frames).sqrt()
        return Moments(self.mean.tolist(), std.tolist())
