"""Transforms of brightness, colour and sharpness; only `cutout` changes the target.

Images stay in [0, 1]. A parameter that means 'no change' gives back the image itself.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.colours import LUMA
from ..utils.contracts import contract
from .info import IGNORE_INDEX
from .sampling import smooth


@contract
def brightness(
    image: Float[Tensor, "channel height width"], shift: float
) -> Float[Tensor, "channel height width"]:
    """Add `shift` (of the full range) to all channels."""
    return image if shift == 0 else (image + shift).clamp(0, 1)


@contract
def contrast(
    image: Float[Tensor, "channel height width"], factor: float
) -> Float[Tensor, "channel height width"]:
    """Stretch each channel about its mean by `factor`."""
    if factor == 1:
        return image
    mean = image.mean((1, 2), keepdim=True)
    return (mean + factor * (image - mean)).clamp(0, 1)


@contract
def saturation(
    image: Float[Tensor, "channel height width"], factor: float
) -> Float[Tensor, "channel height width"]:
    """Stretch the distance from grey by `factor`: 0 is grey; only RGB changes."""
    if factor == 1 or image.shape[0] != 3:
        return image
    grey = torch.einsum("c,chw->hw", image.new_tensor(LUMA), image)
    return (grey + factor * (image - grey)).clamp(0, 1)


@contract
def gamma(
    image: Float[Tensor, "channel height width"], exponent: float
) -> Float[Tensor, "channel height width"]:
    """Raise to `exponent`, which is positive: below 1 brightens, above 1 darkens."""
    if exponent <= 0:
        raise ValueError(f"exponent is {exponent}; more than 0")
    return image if exponent == 1 else image.clamp(0, 1) ** exponent


@contract
def noise(
    image: Float[Tensor, "channel height width"],
    rng: np.random.Generator,
    spread: float,
) -> Float[Tensor, "channel height width"]:
    """Add independent Gaussian noise of standard deviation `spread`."""
    if spread < 0:
        raise ValueError(f"spread is {spread}; zero or more")
    if spread == 0:
        return image
    drawn = torch.from_numpy(rng.standard_normal(image.shape, dtype=np.float32))
    return (image + spread * drawn.to(image.dtype)).clamp(0, 1)


@contract
def blur(
    image: Float[Tensor, "channel height width"], sigma: float
) -> Float[Tensor, "channel height width"]:
    """Gaussian blur of `sigma` pixels."""
    return smooth(image, sigma)


@contract
def cutout(
    image: Float[Tensor, "channel height width"],
    target: Int[Tensor, "height width"],
    rng: np.random.Generator,
    side: int,
) -> tuple[Float[Tensor, "channel height width"], Int[Tensor, "height width"]]:
    """Fill a random square with the image's mean colour (DeVries & Taylor 2017).

    Its target becomes IGNORE_INDEX: nobody can say what is hidden there. The centre is
    any pixel, so that the square may reach over the border.
    """
    if side < 0:
        raise ValueError(f"side is {side}; zero or more pixels")
    if side == 0:
        return image, target
    height, width = target.shape
    top = int(rng.integers(height)) - side // 2
    left = int(rng.integers(width)) - side // 2
    window = slice(max(0, top), top + side), slice(max(0, left), left + side)
    image, target = image.clone(), target.clone()
    image[(slice(None), *window)] = image.mean((1, 2))[:, None, None]
    target[window] = IGNORE_INDEX
    return image, target
