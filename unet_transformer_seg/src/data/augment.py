"""Random augmentation of one sample: what is on, how strong, in which order."""

import math
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract
from . import intensity
from .sampling import warp
from .transforms import (
    affine_grid,
    crop,
    crop_corner,
    displacement,
    flip_horizontal,
    flip_vertical,
    inverse_matrix,
    pad,
    resize,
    rot90,
)


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """All off. A strength is the end of an even range about 'no change'."""

    flips: bool = False
    """Each axis is mirrored with probability 1/2."""
    rot90: bool = False
    """0 to 3 quarter turns; only half turns where a sample is not square."""
    crop: int = 0
    """Side of a random square crop in pixels, 0: none. A smaller image is padded."""
    balanced_crop: float = 0.0
    """Share (0 to 1) of crops that centre on a pixel of a class drawn evenly."""
    probability: float = 1.0
    """Chance (0 to 1), one draw for each, of all that follows."""
    resize: float = 0.0
    """Before the crop, by a factor from 1 / (1 + resize) to 1 + resize, 0 to 4."""
    degrees: float = 0.0
    """Turn by up to this angle, 0 to 180. Affine (this to translate) is one draw."""
    scale: float = 0.0
    """Size between 1 / (1 + scale) and 1 + scale, 0 to 4."""
    shear: float = 0.0
    """Lean by up to this angle in degrees, 0 to 60."""
    translate: float = 0.0
    """Move by up to this share of the side, 0 to 1."""
    elastic_alpha: float = 0.0
    """Strength in pixels, 0 to 10000; the rms shift is 0.16 alpha / sigma pixels."""
    elastic_sigma: float = 8.0
    """Smoothness of the elastic field in pixels, 0.5 to 100."""
    brightness: float = 0.0
    """Shift as a share of the full range, 0 to 1."""
    contrast: float = 0.0
    """Factor between 1 - contrast and 1 + contrast, 0 to 1."""
    saturation: float = 0.0
    """Factor between 1 - saturation and 1 + saturation, 0 to 1; RGB only."""
    gamma: float = 0.0
    """Exponent between 1 / (1 + gamma) and 1 + gamma, 0 to 4."""
    blur: float = 0.0
    """Standard deviation between 0 and this many pixels, 0 to 20."""
    noise: float = 0.0
    """Standard deviation between 0 and this share of the full range, 0 to 1."""
    cutout: int = 0
    """Side of the erased square in pixels, 0: none. Erased pixels count nowhere."""

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high = RANGES.get(field.name, (False, True))
            value = getattr(self, field.name)
            if not low <= value <= high:
                raise ValueError(f"{field.name} is {value}; from {low} to {high}")
        if self.resize and not self.crop:
            raise ValueError(
                f"resize is {self.resize}; it needs crop, for images of one size"
            )


RANGES = {
    "crop": (0, 1 << 16),
    "balanced_crop": (0, 1),
    "probability": (0, 1),
    "resize": (0, 4),
    "degrees": (0, 180),
    "scale": (0, 4),
    "shear": (0, 60),
    "translate": (0, 1),
    "elastic_alpha": (0, 10000),
    "elastic_sigma": (0.5, 100),
    "brightness": (0, 1),
    "contrast": (0, 1),
    "saturation": (0, 1),
    "gamma": (0, 4),
    "blur": (0, 20),
    "noise": (0, 1),
    "cutout": (0, 1 << 16),
}


class Augment:
    """Apply what is configured; all off gives back the input.

    Order: resize; crop, affine and elastic in one interpolation of the whole image;
    flips, quarter turns, brightness, contrast, saturation, gamma, blur, noise, cutout.
    """

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
        """Augment an image in [0, 1] and its target; all chance comes from `rng`."""
        config = self.config
        image, target = self._place(image, target, rng)
        if config.flips:
            if rng.random() < 0.5:
                image, target = flip_horizontal(image, target)
            if rng.random() < 0.5:
                image, target = flip_vertical(image, target)
        if config.rot90:
            turns = int(rng.integers(4))
            square = target.shape[0] == target.shape[1]
            image, target = rot90(image, target, turns if square else 2 * (turns // 2))
        image = self._shade(image, rng)
        if self._happens(rng, config.cutout):
            image, target = intensity.cutout(image, target, rng, config.cutout)
        return image, target

    def _happens(self, rng: np.random.Generator, *strengths: float) -> bool:
        return any(strengths) and rng.random() < self.config.probability

    def _place(
        self, image: Tensor, target: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Resize, crop, affine and elastic.

        A warped crop is sampled from the whole image, so that what turns into it from
        outside the window is real and not mirrored.
        """
        config = self.config
        if self._happens(rng, config.resize):
            factor = _factor(rng, config.resize)
            sides = (max(1, round(side * factor)) for side in target.shape)
            image, target = resize(image, target, tuple(sides))
        size, corner = tuple(target.shape), (0, 0)
        if config.crop:
            size = (config.crop, config.crop)
            image, target = pad(image, target, size)
            corner = crop_corner(target, rng, size, config.balanced_crop)
        moved = self._happens(
            rng, config.degrees, config.scale, config.shear, config.translate
        )
        bent = self._happens(rng, config.elastic_alpha)
        if not moved and not bent:
            return crop(image, target, corner, size) if config.crop else (image, target)
        inverse, shift = np.eye(2), (0.0, 0.0)
        if moved:
            inverse = inverse_matrix(
                rng.uniform(-config.degrees, config.degrees),
                _factor(rng, config.scale),
                rng.uniform(-config.shear, config.shear),
            )
            reach = config.translate * np.array(size)
            shift = tuple(float(s) for s in rng.uniform(-reach, reach))
        centre = tuple(c + (s - 1) / 2 for c, s in zip(corner, size, strict=True))
        rows, columns = affine_grid(size, inverse, centre, shift)
        if bent:
            alpha, sigma = config.elastic_alpha, config.elastic_sigma
            down, right = displacement(size, rng, alpha, sigma)
            rows, columns = rows + down, columns + right
        return warp(image, target, rows.to(image.dtype), columns.to(image.dtype))

    def _shade(self, image: Tensor, rng: np.random.Generator) -> Tensor:
        """The transforms of intensity."""
        config = self.config
        if self._happens(rng, config.brightness):
            shift = rng.uniform(-config.brightness, config.brightness)
            image = intensity.brightness(image, shift)
        if self._happens(rng, config.contrast):
            factor = rng.uniform(1 - config.contrast, 1 + config.contrast)
            image = intensity.contrast(image, factor)
        if self._happens(rng, config.saturation):
            factor = rng.uniform(1 - config.saturation, 1 + config.saturation)
            image = intensity.saturation(image, factor)
        if self._happens(rng, config.gamma):
            image = intensity.gamma(image, _factor(rng, config.gamma))
        if self._happens(rng, config.blur):
            image = intensity.blur(image, rng.uniform(0, config.blur))
        if self._happens(rng, config.noise):
            image = intensity.noise(image, rng, rng.uniform(0, config.noise))
        return image


def augment_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The generator that augments one sample, of any data set."""
    return np.random.default_rng(np.random.SeedSequence([seed, epoch, index]))


def _factor(rng: np.random.Generator, strength: float) -> float:
    """Between 1 / (1 + strength) and 1 + strength, as often below 1 as above."""
    edge = math.log1p(strength)
    return math.exp(rng.uniform(-edge, edge))
