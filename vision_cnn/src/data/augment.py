"""Random augmentation of a batch: what is on, how strong, in which order."""

import math
from dataclasses import dataclass, fields
from typing import Literal

import torch
from jaxtyping import Float32, Int, UInt8
from torch import Tensor

from ..utils.contracts import contract
from . import colour, geometry
from .draws import Draws
from .erasing import cutout_boxes, erase, erasing_boxes
from .info import DataInfo
from .transforms import CropFill, crop, flip_horizontal, to_input
from .trivial import CHANGES, trivial_augment


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """All off. A strength is the end of an even range about "no change"."""

    flip: Literal["none", "random", "alternating"] = "none"
    """Left-right: a coin each epoch, or a coin in epoch 0 and then every second epoch
    (airbench), so that two epochs show both views."""
    crop: int = 0
    """Pixels added on each side before the old size is cut at random, 0 to 1024."""
    crop_fill: CropFill = "reflect"
    """What is added: the mirrored image, or black."""
    degrees: float = 0.0
    """Turn by up to this angle, 0 to 180."""
    translate: float = 0.0
    """Move by up to this share of the side, 0 to 1."""
    scale: float = 0.0
    """Size between 1 / (1 + scale) and 1 + scale, 0 to 4."""
    shear: float = 0.0
    """Lean by up to this angle in degrees, 0 to 60."""
    trivial: bool = False
    """TrivialAugment: one of 14 changes at a random strength."""
    brightness: float = 0.0
    """Factor between 1 - brightness and 1 + brightness, 0 to 1."""
    contrast: float = 0.0
    """Factor between 1 - contrast and 1 + contrast, 0 to 1."""
    saturation: float = 0.0
    """Factor between 1 - saturation and 1 + saturation, 0 to 1; RGB only."""
    hue: float = 0.0
    """Turn of the colour circle, 0 to 0.5 (half of it); RGB only."""
    cutout: int = 0
    """Side of an erased square in pixels, 0: none. Its centre is any pixel."""
    erasing: float = 0.0
    """Chance that a random rectangle is erased, 0 to 1."""
    mixup: float = 0.0
    """alpha of Beta(alpha, alpha), the share of each of two images, 0: off, to 100."""
    cutmix: float = 0.0
    """alpha of the area of a patch from another image, 0: off; with `mixup`, a coin."""

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high = 0, RANGES.get(field.name, math.inf)
            value = getattr(self, field.name)
            if not isinstance(value, str) and not low <= value <= high:
                raise ValueError(f"{field.name} is {value}; from {low} to {high}")


RANGES = {
    "crop": 1024,
    "degrees": 180,
    "translate": 1,
    "scale": 4,
    "shear": 60,
    "brightness": 1,
    "contrast": 1,
    "saturation": 1,
    "hue": 0.5,
    "cutout": 1024,
    "erasing": 1,
    "mixup": 100,
    "cutmix": 100,
}


class Augment:
    """Augment and normalise; all off only normalises.

    Order: crop and flip the bytes; turn, scale, lean and move in one interpolation;
    TrivialAugment; brightness, contrast, saturation, hue; normalise; erase. The draws
    of an image are keyed by (seed, epoch, its number below `n`).
    """

    def __init__(self, config: AugmentConfig, info: DataInfo, seed: int, n: int):
        self.config, self.info, self.seed, self.n = config, info, seed, n

    @contract
    def __call__(
        self,
        images: UInt8[Tensor, "batch channel height width"],
        epoch: int,
        indices: Int[Tensor, " batch"],
    ) -> Float32[Tensor, "batch channel height width"]:
        """The images numbered `indices` as epoch `epoch` shows them, normalised."""
        config, draws = self.config, Draws(self.seed, epoch, self.n, indices)
        flags = self._flags(epoch, draws)
        if config.crop:
            corner = (draws.integers(f"crop_{d}", 2 * config.crop + 1) for d in "yx")
            images = crop(
                images, *corner, flags, pad=config.crop, fill=config.crop_fill
            )
        elif flags is not None:
            images = flip_horizontal(images, flags)
        if any(getattr(config, name) for name in IN_FLOATS):
            pixels = self._shade(self._move(images.float().div_(255), draws), draws)
            pixels = self.info.normalise(pixels)
        else:
            pixels = to_input(images, self.info.mean, self.info.std)
        return self._erase(pixels, draws)

    def _flags(self, epoch: int, draws: Draws) -> Tensor | None:
        if self.config.flip == "none":
            return None
        if self.config.flip == "random":
            return draws.chance("flip")
        first = Draws(self.seed, 0, self.n, draws.indices)
        return first.chance("flip") ^ bool(epoch % 2)

    def _move(self, images: Tensor, draws: Draws) -> Tensor:
        config = self.config
        if not any((config.degrees, config.translate, config.scale, config.shear)):
            return images
        down, right = (
            side * draws.uniform(f"move_{d}", -config.translate, config.translate)
            for side, d in zip(images.shape[2:], "yx", strict=True)
        )
        lean = draws.uniform("shear", -config.shear, config.shear).deg2rad().tan()
        motion = geometry.shearing(torch.zeros_like(lean), lean)
        for then in (
            geometry.scaling(draws.factor("scale", config.scale)),
            geometry.rotation(draws.uniform("turn", -config.degrees, config.degrees)),
            geometry.translation(down, right),
        ):
            motion = geometry.compose(motion, then)
        return geometry.affine(images, motion)

    def _shade(self, images: Tensor, draws: Draws) -> Tensor:
        config = self.config
        if config.trivial:
            change = draws.integers("trivial", len(CHANGES))
            level = draws.integers("trivial_level", 31) / 30
            sign = 1 - 2 * draws.chance("trivial_sign").double()
            images = trivial_augment(images, change, level * sign)
        for name in ("brightness", "contrast", "saturation"):
            if strength := getattr(config, name):
                factors = draws.uniform(name, 1 - strength, 1 + strength)
                images = getattr(colour, name)(images, factors)
        if config.hue:
            images = colour.hue(images, draws.uniform("hue", -config.hue, config.hue))
        return images

    def _erase(self, images: Tensor, draws: Draws) -> Tensor:
        config, size = self.config, (images.shape[2], images.shape[3])
        if config.cutout:
            down, right = (draws.uniform(f"cutout_{d}") for d in "yx")
            images = erase(images, cutout_boxes(down, right, config.cutout, size))
        if config.erasing:
            names = ("area", "aspect", "y", "x")
            boxes = erasing_boxes(*(draws.uniform(f"erase_{n}") for n in names), size)
            boxes *= draws.chance("erase", config.erasing)[:, None]
            images = erase(images, boxes)
        return images


IN_FLOATS = (
    *("degrees", "translate", "scale", "shear", "trivial"),
    *("brightness", "contrast", "saturation", "hue"),
)
"""What needs fractions of a pixel or of a tone."""
