"""Brightness, contrast, saturation and hue of a batch in [0, 1], each image by its own.

A factor of 1 changes nothing. Grey is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


GREY = (0.299, 0.587, 0.114)


@contract
def brightness(
    images: Float[Tensor, "batch channel height width"],
    factors: Float[Tensor, " batch"],
) -> Float[Tensor, "batch channel height width"]:
    """Multiply; 0 is black."""
    return (images * _each(factors, images)).clamp_(0, 1)


@contract
def contrast(
    images: Float[Tensor, "batch channel height width"],
    factors: Float[Tensor, " batch"],
) -> Float[Tensor, "batch channel height width"]:
    """Away from the mean grey of the image, which 0 gives everywhere."""
    return _blend(grey(images).mean((1, 2, 3), keepdim=True), images, factors)


@contract
def saturation(
    images: Float[Tensor, "batch channel height width"],
    factors: Float[Tensor, " batch"],
) -> Float[Tensor, "batch channel height width"]:
    """Away from the grey of each pixel, which 0 gives; one channel stays as it is."""
    return _blend(grey(images), images, factors) if images.shape[1] == 3 else images


@contract
def hue(
    images: Float[Tensor, "batch channel height width"],
    turns: Float[Tensor, " batch"],
) -> Float[Tensor, "batch channel height width"]:
    """Go around the colour circle: 1/3 makes red green; one channel stays as it is.

    In HSV, where a channel is v - v s max(0, min(k, 4 - k, 1)) with k = (n + 6 h) mod 6
    and n = 5, 3, 1 for red, green, blue.
    """
    if images.shape[1] != 3:
        return images
    red, green, blue = images.unbind(1)
    value, brightest = images.max(1)
    chroma = value - images.amin(1)
    # place on the circle in sixths: 0 red, 2 green, 4 blue
    apart = chroma.where(chroma > 0, torch.ones_like(chroma))
    after = torch.stack([green - blue, blue - red, red - green], 1)
    place = after.gather(1, brightest[:, None])[:, 0] / apart + 2 * brightest
    place = place + 6 * turns.to(images.dtype)[:, None, None]
    start = images.new_tensor([5, 3, 1])[:, None, None]
    k = (start + place[:, None]).remainder(6)
    share = torch.minimum(k, 4 - k).clamp_(0, 1)
    return value[:, None] - chroma[:, None] * share


@contract
def grey(
    images: Float[Tensor, "batch channel height width"],
) -> Float[Tensor, "batch 1 height width"]:
    """What is left without colours; of other than three channels the mean."""
    if images.shape[1] != 3:
        return images.mean(1, keepdim=True)
    red, green, blue = images.split(1, 1)
    return GREY[0] * red + GREY[1] * green + GREY[2] * blue


def _blend(base: Tensor, images: Tensor, factors: Tensor) -> Tensor:
    """base + factor (images - base), within [0, 1]."""
    return torch.lerp(base, images, _each(factors, images)).clamp_(0, 1)


def _each(values: Tensor, images: Tensor) -> Tensor:
    return values.to(images.dtype)[:, None, None, None]
