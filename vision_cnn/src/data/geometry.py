"""Turn, move, scale and lean a batch of images, each by its own amount.

A motion is a matrix (a b c; d e f) that takes (right, down) in pixels from the centre
of the image to where this point goes; motions compose as matrices do. Images are
interpolated linearly. `reflect` mirrors about the outer edge (`b a | a b c`).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract
from .transforms import CropFill


@contract
def affine(
    images: Float[Tensor, "batch channel height width"],
    motions: Float[Tensor, "batch 2 3"],
    *,
    fill: CropFill = "reflect",
) -> Float[Tensor, "batch channel height width"]:
    """Move each image; raises ValueError for a motion that cannot be undone."""
    height, width = images.shape[2:]
    back = inverse(motions).to(images.dtype)
    # grid_sample has the image from -1 to 1 on both axes
    half = images.new_tensor([width / 2, height / 2])
    right = torch.arange(width, dtype=images.dtype) - (width - 1) / 2
    down = torch.arange(height, dtype=images.dtype) - (height - 1) / 2
    place = back[:, None, None, :, 0] * right[:, None]
    place = place + back[:, None, None, :, 1] * down[:, None, None]
    grid = (place + back[:, None, None, :, 2]) / half
    mode = "reflection" if fill == "reflect" else "zeros"
    return F.grid_sample(images, grid, padding_mode=mode, align_corners=False)


@contract
def rotate(
    images: Float[Tensor, "batch channel height width"],
    degrees: Float[Tensor, " batch"],
    *,
    fill: CropFill = "reflect",
) -> Float[Tensor, "batch channel height width"]:
    """Turn counter-clockwise about the centre."""
    return affine(images, rotation(degrees), fill=fill)


@contract
def translate(
    images: Float[Tensor, "batch channel height width"],
    down: Float[Tensor, " batch"],
    right: Float[Tensor, " batch"],
    *,
    fill: CropFill = "reflect",
) -> Float[Tensor, "batch channel height width"]:
    """Move by pixels, also by parts of one."""
    return affine(images, translation(down, right), fill=fill)


@contract
def scale(
    images: Float[Tensor, "batch channel height width"],
    factors: Float[Tensor, " batch"],
    *,
    fill: CropFill = "reflect",
) -> Float[Tensor, "batch channel height width"]:
    """Enlarge about the centre; a factor below 1 shrinks."""
    return affine(images, scaling(factors), fill=fill)


@contract
def shear(
    images: Float[Tensor, "batch channel height width"],
    down: Float[Tensor, " batch"],
    right: Float[Tensor, " batch"],
    *,
    fill: CropFill = "reflect",
) -> Float[Tensor, "batch channel height width"]:
    """Slide rows right by `right` times their height below the centre, columns down."""
    return affine(images, shearing(down, right), fill=fill)


@contract
def rotation(degrees: Float[Tensor, " batch"]) -> Float[Tensor, "batch 2 3"]:
    """The motion of `rotate`."""
    angle = degrees.deg2rad()
    cos, sin = angle.cos(), angle.sin()
    return _motion(cos, sin, -sin, cos)


@contract
def translation(
    down: Float[Tensor, " batch"], right: Float[Tensor, " batch"]
) -> Float[Tensor, "batch 2 3"]:
    """The motion of `translate`."""
    one, zero = torch.ones_like(down), torch.zeros_like(down)
    motion = _motion(one, zero, zero, one)
    motion[:, 0, 2], motion[:, 1, 2] = right, down
    return motion


@contract
def scaling(factors: Float[Tensor, " batch"]) -> Float[Tensor, "batch 2 3"]:
    """The motion of `scale`."""
    zero = torch.zeros_like(factors)
    return _motion(factors, zero, zero, factors)


@contract
def shearing(
    down: Float[Tensor, " batch"], right: Float[Tensor, " batch"]
) -> Float[Tensor, "batch 2 3"]:
    """The motion of `shear`."""
    one = torch.ones_like(down)
    return _motion(one, right, down, one)


@contract
def compose(
    first: Float[Tensor, "batch 2 3"], then: Float[Tensor, "batch 2 3"]
) -> Float[Tensor, "batch 2 3"]:
    """The motion `first`, and after it `then`: one interpolation instead of two."""
    linear = then[:, :, :2]
    moved = linear @ first
    moved[:, :, 2] += then[:, :, 2]
    return moved


@contract
def inverse(motions: Float[Tensor, "batch 2 3"]) -> Float[Tensor, "batch 2 3"]:
    """The way back; raises ValueError where an image is squeezed to a line."""
    (a, b, c), (d, e, f) = motions.unbind(1)[0].T, motions.unbind(1)[1].T
    area = a * e - b * d
    if not (area.abs() > 1e-6).all():
        worst = area.abs().min()
        raise ValueError(f"a motion scales areas by {worst:.1e}; not below 1e-6")
    back = _motion(e, -b, -d, a)
    back[:, 0, 2], back[:, 1, 2] = b * f - e * c, d * c - a * f
    return back / area[:, None, None]


def _motion(a: Tensor, b: Tensor, d: Tensor, e: Tensor) -> Tensor:
    zero = torch.zeros_like(a)
    rows = torch.stack([a, b, zero], -1), torch.stack([d, e, zero], -1)
    return torch.stack(rows, 1)
