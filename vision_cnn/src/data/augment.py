"""Random augmentation of a batch: what is on, how strong, in which order."""

from dataclasses import dataclass, fields
from typing import Literal

from jaxtyping import Float32, Int, UInt8
from torch import Tensor

from ..utils.contracts import contract
from .draws import Draws
from .info import DataInfo
from .transforms import CropFill, crop, flip_horizontal, to_input


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """All off."""

    flip: Literal["none", "random", "alternating"] = "none"
    """Left-right: a coin each epoch, or a coin in epoch 0 and then every second epoch
    (airbench), so that two epochs show both views."""
    crop: int = 0
    """Pixels added on each side before the old size is cut at random, 0 to 1024."""
    crop_fill: CropFill = "reflect"
    """What is added: the mirrored image, or black."""
    cutout: int = 0
    """Side of an erased square in pixels, 0: none. Its centre is any pixel."""
    mixup: float = 0.0
    """alpha of Beta(alpha, alpha), the share of each of two images; 0: off."""
    cutmix: float = 0.0
    """alpha of the area of a patch from another image, 0: off; with `mixup`, a coin."""

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high = RANGES.get(field.name, (None, None))
            value = getattr(self, field.name)
            if low is not None and not low <= value <= high:
                raise ValueError(f"{field.name} is {value}; from {low} to {high}")


RANGES = {
    "crop": (0, 1024),
    "cutout": (0, 1024),
    "mixup": (0, 100),
    "cutmix": (0, 100),
}


class Augment:
    """Augment and normalise; all off only normalises.

    The draws of an image are keyed by (seed, epoch, its number below `n`).
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
        draws = Draws(self.seed, epoch, self.n, indices)
        images = self._crop(images, draws)
        if self.config.flip != "none":
            images = flip_horizontal(images, self._flags(epoch, draws))
        return to_input(images, self.info.mean, self.info.std)

    def _crop(self, images: Tensor, draws: Draws) -> Tensor:
        pad = self.config.crop
        if pad == 0:
            return images
        top, left = (draws.integers(f"crop_{d}", 2 * pad + 1) for d in "yx")
        return crop(images, top, left, pad=pad, fill=self.config.crop_fill)

    def _flags(self, epoch: int, draws: Draws) -> Tensor:
        if self.config.flip == "random":
            return draws.chance("flip")
        first = Draws(self.seed, 0, self.n, draws.indices)
        return first.chance("flip") ^ bool(epoch % 2)
