"""TrivialAugment (Mueller & Hutter 2021, arXiv 2103.10158): one change an image.

Each image gets one of 14 changes, all equally likely, at one of 31 strengths, all
equally likely: nothing to tune. The strengths are those of RandAugment (table 6 of the
paper, "RA"), which were made for images of 32 pixels; a shift is a share of the side.
"""

from collections.abc import Callable

from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract
from . import colour, geometry, tones


Change = Callable[[Tensor, Tensor], Tensor]


@contract
def trivial_augment(
    images: Float[Tensor, "batch channel height width"],
    changes: Int[Tensor, " batch"],
    strengths: Float[Tensor, " batch"],
) -> Float[Tensor, "batch channel height width"]:
    """Change each image by number `changes` of `CHANGES`; a strength is -1 to 1.

    A change that knows no direction takes the strength without its sign.
    """
    result = images.clone()
    for number, change in enumerate(CHANGES.values()):
        chosen = (changes == number).nonzero()[:, 0]
        if len(chosen):
            result[chosen] = change(images[chosen], strengths[chosen].to(images.dtype))
    return result


def _identity(images: Tensor, strengths: Tensor) -> Tensor:
    return images


def _shear_right(images: Tensor, strengths: Tensor) -> Tensor:
    return geometry.shear(images, 0 * strengths, 0.3 * strengths)


def _shear_down(images: Tensor, strengths: Tensor) -> Tensor:
    return geometry.shear(images, 0.3 * strengths, 0 * strengths)


def _move_right(images: Tensor, strengths: Tensor) -> Tensor:
    reach = 10 / 32 * images.shape[3]
    return geometry.translate(images, 0 * strengths, reach * strengths)


def _move_down(images: Tensor, strengths: Tensor) -> Tensor:
    reach = 10 / 32 * images.shape[2]
    return geometry.translate(images, reach * strengths, 0 * strengths)


def _rotate(images: Tensor, strengths: Tensor) -> Tensor:
    return geometry.rotate(images, 30 * strengths)


def _posterise(images: Tensor, strengths: Tensor) -> Tensor:
    return tones.posterise(images, 8 - (4 * strengths.abs()).round().long())


def _solarise(images: Tensor, strengths: Tensor) -> Tensor:
    return tones.solarise(images, 1 - strengths.abs())


def _factor(change: Change) -> Change:
    """A factor from 0.1 to 1.9."""

    def changed(images: Tensor, strengths: Tensor) -> Tensor:
        return change(images, 1 + 0.9 * strengths)

    return changed


CHANGES: dict[str, Change] = {
    "identity": _identity,
    "shear right": _shear_right,
    "shear down": _shear_down,
    "move right": _move_right,
    "move down": _move_down,
    "rotate": _rotate,
    "brightness": _factor(colour.brightness),
    "contrast": _factor(colour.contrast),
    "saturation": _factor(colour.saturation),
    "sharpness": _factor(tones.sharpness),
    "posterise": _posterise,
    "solarise": _solarise,
    "autocontrast": lambda images, strengths: tones.autocontrast(images),
    "equalise": lambda images, strengths: tones.equalise(images),
}
