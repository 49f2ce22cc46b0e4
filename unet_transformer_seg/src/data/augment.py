"""Random augmentation of one sample: what is on, how strong, in which order."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract
from .transforms import flip_horizontal, flip_vertical, rot90


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    flips: bool = False
    """Each axis is mirrored with probability 1/2."""
    rot90: bool = False
    """0 to 3 quarter turns; only half turns where a sample is not square."""


class Augment:
    """Apply the configured transforms; everything off gives back its input, untouched."""

    def __init__(self, config: AugmentConfig) -> None:
        self.config = config

    @contract
    def __call__(
        self,
        image: Float[Tensor, "channel height width"],
        target: Int[Tensor, "height width"],
        rng: np.random.Generator,
    ) -> tuple[
        Float[Tensor, "channel new_height new_width"],
        Int[Tensor, "new_height new_width"],
    ]:
        """Augment an image in [0, 1] and its target; `rng` decides all that is random."""
        if self.config.flips:
            if rng.random() < 0.5:
                image, target = flip_horizontal(image, target)
            if rng.random() < 0.5:
                image, target = flip_vertical(image, target)
        if self.config.rot90:
            turns = int(rng.integers(4))
            square = target.shape[0] == target.shape[1]
            image, target = rot90(image, target, turns if square else 2 * (turns // 2))
        return image, target
