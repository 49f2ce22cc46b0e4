"""Images of any numbers and any size in memory, for networks that want neither."""

import math
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float32, Int, Num
from torch import Tensor
from torch.nn import functional as F

from ..utils.contracts import contract
from .augment import Augment, AugmentConfig
from .image_set import ImageSet
from .info import DataInfo
from .mixing import Mixing
from .source import Labelled


@contract
def as_images(
    X: np.ndarray, row: tuple[int, ...] | None = None, channels_last: bool = False
) -> Num[Tensor, "batch channel height width"]:
    """A copy of the array as images.

    (n, features): each row is one image of shape `row`, which is (height, width) or
    (channel, height, width); without it square if it can be, else one pixel high.
    (n, height, width): grey. (n, channel, height, width), or with `channels_last`
    (n, height, width, channel). ValueError for what does not fit.
    """
    if X.ndim == 2:
        X = X.reshape(len(X), *_shape_of_a_row(X.shape[1], row))
    elif X.ndim == 3:
        X = X[:, None]
    elif X.ndim == 4 and channels_last:
        X = np.moveaxis(X, 3, 1)
    elif X.ndim == 4 and X.shape[3] in (1, 3, 4) and X.shape[1] > 4:
        raise ValueError(
            f"X is {X.shape}, which looks like (n, height, width, channel): set "
            "channels_last=True, or move the channels to axis 1"
        )
    elif X.ndim != 4:
        raise ValueError(f"X has {X.ndim} axes; images have 2 to 4, with their number")
    return torch.tensor(np.ascontiguousarray(X))


@contract
def channel_moments(
    images: Num[Tensor, "batch channel height width"],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, over all pixels; in float64.

    A constant channel has deviation 1, so that it can be divided by.
    """
    values = images.double()
    std = values.std((0, 2, 3), correction=0)
    usable = std > 1e-12 * values.abs().amax((0, 2, 3))  # else it is rounding alone
    std = torch.where(usable, std, 1.0)
    return tuple(values.mean((0, 2, 3)).tolist()), tuple(std.tolist())


class Prepare:
    """Normalise by `info`, whose moments are those of the values, and pad to `size`.

    Padding is 0, which is the mean, on all sides alike. `augment` is for bytes only.
    """

    def __init__(
        self,
        info: DataInfo,
        size: tuple[int, int],
        augment: AugmentConfig | None = None,
        seed: int = 0,
        n: int = 0,
    ):
        self.info, self.size, self.augment = info, size, None
        if augment is not None:
            in_unit = {
                name: tuple(value / 255 for value in getattr(info, name))
                for name in ("mean", "std")
            }
            self.augment = Augment(augment, replace(info, **in_unit), seed, n)

    @contract
    def __call__(
        self,
        images: Num[Tensor, "batch channel height width"],
        epoch: int,
        indices: Int[Tensor, " batch"],
    ) -> Float32[Tensor, "batch channel new_height new_width"]:
        """The images numbered `indices` as epoch `epoch` shows them."""
        if self.augment:
            return self._pad(self.augment(images, epoch, indices))
        return self._pad(self.info.normalise(images.double()).float())

    def _pad(self, images: Tensor) -> Tensor:
        sides = []
        for wanted, have in zip(self.size[::-1], images.shape[:1:-1], strict=True):
            sides += [(wanted - have) // 2, -((have - wanted) // 2)]
        return F.pad(images, sides) if any(sides) else images


@contract
def array_set(
    images: Num[Tensor, "batch channel height width"],
    labels: Int[Tensor, " batch"],
    prepare: Prepare,
    mixing: Mixing | None = None,
) -> ImageSet:
    """The images with their labels, named by their numbers."""
    named = Labelled(images, labels, range(len(images)))
    return ImageSet(named, prepare.info, prepare, mixing)


def _shape_of_a_row(features: int, row: tuple[int, ...] | None) -> tuple[int, ...]:
    if row is None:
        side = math.isqrt(features)
        return (1, side, side) if side * side == features else (1, 1, features)
    shape = (1, *row) if len(row) == 2 else tuple(row)
    if len(shape) != 3 or math.prod(shape) != features:
        raise ValueError(
            f"image_shape {row} is not (height, width) or (channel, height, width) of "
            f"the {features} features of X"
        )
    return shape
