"""Sharpness and changes of the tones of a batch in [0, 1], as TrivialAugment uses them.

They follow PIL's ImageEnhance.Sharpness and ImageOps, without rounding to bytes where
the result does not need it.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def sharpness(
    images: Float[Tensor, "batch channel height width"],
    factors: Float[Tensor, " batch"],
) -> Float[Tensor, "batch channel height width"]:
    """Away from a 3x3 smoothing (centre 5/13, others 1/13), which 0 gives.

    The outermost pixels, which have no neighbour on one side, stay as they are.
    """
    channels, (height, width) = images.shape[1], images.shape[2:]
    if min(height, width) < 3:
        return images
    kernel = torch.full((channels, 1, 3, 3), 1 / 13, dtype=images.dtype)
    kernel[:, :, 1, 1] = 5 / 13
    smooth = images.clone()
    smooth[:, :, 1:-1, 1:-1] = F.conv2d(images, kernel, groups=channels)
    factors = factors.to(images.dtype)[:, None, None, None]
    return torch.lerp(smooth, images, factors).clamp_(0, 1)


@contract
def posterise(
    images: Float[Tensor, "batch channel height width"], bits: Int[Tensor, " batch"]
) -> Float[Tensor, "batch channel height width"]:
    """Keep the first `bits` (0 to 8) of each byte."""
    step = (2 ** (8 - bits)).to(images.dtype)[:, None, None, None]
    return ((images * 255).round() / step).floor() * step / 255


@contract
def solarise(
    images: Float[Tensor, "batch channel height width"],
    thresholds: Float[Tensor, " batch"],
) -> Float[Tensor, "batch channel height width"]:
    """Invert what is at least as bright as the threshold."""
    bright = images >= thresholds.to(images.dtype)[:, None, None, None]
    return torch.where(bright, 1 - images, images)


@contract
def autocontrast(
    images: Float[Tensor, "batch channel height width"],
) -> Float[Tensor, "batch channel height width"]:
    """Stretch each channel to [0, 1]; a constant one stays as it is."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    flat = high <= low
    return torch.where(flat, images, (images - low) / (high - low + flat))


@contract
def equalise(
    images: Float[Tensor, "batch channel height width"],
) -> Float[Tensor, "batch channel height width"]:
    """Spread the 256 tones of each channel evenly over [0, 1]; a constant one stays.

    Tone t becomes the pixels darker than t, and half a step more, divided by the step:
    255 steps make all pixels but those of the brightest tone.
    """
    tones = (images * 255).round().long().flatten(2)
    counts = torch.zeros(*tones.shape[:2], 256, dtype=torch.long)
    counts.scatter_add_(2, tones, torch.ones_like(tones))
    brightest = counts.gather(2, tones.amax(2, keepdim=True))
    step = (tones.shape[2] - brightest) // 255
    darker = counts.cumsum(2) - counts
    table = ((darker + step // 2) // step.clamp(min=1)).clamp(max=255)
    level = table.gather(2, tones).view_as(images).to(images.dtype) / 255
    return torch.where(step[..., None] == 0, images, level)
