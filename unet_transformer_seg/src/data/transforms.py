"""Geometric transforms of an image together with its target.

Pixel centres lie on whole numbers. What falls outside the image is mirrored about its
outer edge (`d c b a | a b c d | d c b a`), so that a net never sees a black border, and
its target is IGNORE_INDEX, so that no invented pixel counts. Images are interpolated,
targets take the value of the nearest pixel and so never gain another value.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract
from .info import IGNORE_INDEX
from .sampling import mirror, nearest, smooth, warp


@contract
def flip_horizontal(
    image: Float[Tensor, "channel height width"], target: Int[Tensor, "height width"]
) -> tuple[Float[Tensor, "channel height width"], Int[Tensor, "height width"]]:
    """Mirror left and right."""
    return image.flip(-1), target.flip(-1)


@contract
def flip_vertical(
    image: Float[Tensor, "channel height width"], target: Int[Tensor, "height width"]
) -> tuple[Float[Tensor, "channel height width"], Int[Tensor, "height width"]]:
    """Mirror top and bottom."""
    return image.flip(-2), target.flip(-2)


@contract
def rot90(
    image: Float[Tensor, "channel height width"],
    target: Int[Tensor, "height width"],
    turns: int,
) -> tuple[
    Float[Tensor, "channel new_height new_width"],
    Int[Tensor, "new_height new_width"],
]:
    """Turn by `turns` quarters, counter-clockwise; an odd number swaps the sides."""
    return torch.rot90(image, turns, (-2, -1)), torch.rot90(target, turns, (-2, -1))


@contract
def affine(
    image: Float[Tensor, "channel height width"],
    target: Int[Tensor, "height width"],
    *,
    degrees: float = 0.0,
    scale: float = 1.0,
    shear: float = 0.0,
    translate: tuple[float, float] = (0.0, 0.0),
) -> tuple[Float[Tensor, "channel height width"], Int[Tensor, "height width"]]:
    """Slide rows sideways, enlarge by `scale`, turn about the centre, then move.

    `degrees` turns counter-clockwise, `shear` is an angle in degrees, `translate` is
    (down, right) in pixels.
    """
    if scale <= 0 or not -90 < shear < 90:
        raise ValueError(f"scale {scale} must be positive, shear {shear} within 90")
    if (degrees, scale, shear, *translate) == (0, 1, 0, 0, 0):
        return image, target
    height, width = target.shape
    inverse = inverse_matrix(degrees, scale, shear)
    centre = (height - 1) / 2, (width - 1) / 2
    rows, columns = affine_grid((height, width), inverse, centre, translate)
    return warp(image, target, rows.to(image.dtype), columns.to(image.dtype))


@contract
def elastic(
    image: Float[Tensor, "channel height width"],
    target: Int[Tensor, "height width"],
    rng: np.random.Generator,
    *,
    alpha: float,
    sigma: float,
) -> tuple[Float[Tensor, "channel height width"], Int[Tensor, "height width"]]:
    """Move each pixel by a smooth random field (Simard, Steinkraus & Platt 2003).

    The field is uniform in [-1, 1], smoothed by a Gaussian of `sigma` pixels, times
    `alpha` pixels: its root mean square is about 0.16 alpha / sigma.
    """
    if alpha == 0:
        return image, target
    height, width = target.shape
    field = displacement((height, width), rng, alpha, sigma).to(image.dtype)
    rows = torch.arange(height, dtype=image.dtype)[:, None] + field[0]
    columns = torch.arange(width, dtype=image.dtype)[None, :] + field[1]
    return warp(image, target, rows, columns)


@contract
def pad(
    image: Float[Tensor, "channel height width"],
    target: Int[Tensor, "height width"],
    size: tuple[int, int],
) -> tuple[
    Float[Tensor, "channel new_height new_width"],
    Int[Tensor, "new_height new_width"],
]:
    """Grow to at least `size` (height, width), half of what is missing on each side."""
    height, width = target.shape
    tall, wide = max(0, size[0] - height), max(0, size[1] - width)
    if tall == 0 and wide == 0:
        return image, target
    top, left = tall // 2, wide // 2
    rows = torch.arange(-top, height + tall - top)
    columns = torch.arange(-left, width + wide - left)
    image = image[:, mirror(rows, height)][:, :, mirror(columns, width)]
    grown = target.new_full((height + tall, width + wide), IGNORE_INDEX)
    grown[top : top + height, left : left + width] = target
    return image, grown


@contract
def crop(
    image: Float[Tensor, "channel height width"],
    target: Int[Tensor, "height width"],
    corner: tuple[int, int],
    size: tuple[int, int],
) -> tuple[
    Float[Tensor, "channel new_height new_width"],
    Int[Tensor, "new_height new_width"],
]:
    """The window of `size` (height, width) whose top left pixel is `corner`."""
    (top, left), (tall, wide) = corner, size
    height, width = target.shape
    if not (0 <= top <= height - tall and 0 <= left <= width - wide and tall and wide):
        raise ValueError(f"crop {size} at {corner} leaves the {height}x{width} image")
    window = slice(top, top + tall), slice(left, left + wide)
    return image[(slice(None), *window)], target[window]


@contract
def random_crop(
    image: Float[Tensor, "channel height width"],
    target: Int[Tensor, "height width"],
    rng: np.random.Generator,
    size: tuple[int, int],
) -> tuple[
    Float[Tensor, "channel new_height new_width"],
    Int[Tensor, "new_height new_width"],
]:
    """A window of `size` at an even random place; a smaller image is padded first."""
    return balanced_crop(image, target, rng, size, probability=0.0)


@contract
def balanced_crop(
    image: Float[Tensor, "channel height width"],
    target: Int[Tensor, "height width"],
    rng: np.random.Generator,
    size: tuple[int, int],
    *,
    probability: float = 1.0,
) -> tuple[
    Float[Tensor, "channel new_height new_width"],
    Int[Tensor, "new_height new_width"],
]:
    """As `random_crop`, but with `probability` around a pixel of a class drawn evenly.

    The classes are those present in `target`; near a border the window moves inside.
    """
    image, target = pad(image, target, size)
    corner = crop_corner(target, rng, size, probability)
    return crop(image, target, corner, size)


@contract
def resize(
    image: Float[Tensor, "channel height width"],
    target: Int[Tensor, "height width"],
    size: tuple[int, int],
) -> tuple[
    Float[Tensor, "channel new_height new_width"],
    Int[Tensor, "new_height new_width"],
]:
    """Bilinear, smoothed first when shrinking, so that detail does not alias."""
    height, width = target.shape
    if size == (height, width):
        return image, target
    grown = F.interpolate(
        image[None], size, mode="bilinear", align_corners=False, antialias=True
    )[0]
    rows, columns = nearest(size[0], height), nearest(size[1], width)
    return grown, target[rows][:, columns]


def crop_corner(
    target: Tensor, rng: np.random.Generator, size: tuple[int, int], probability: float
) -> tuple[int, int]:
    """Top left pixel of a crop of a target that is at least as large."""
    height, width = target.shape
    room = height - size[0], width - size[1]
    if probability > 0 and rng.random() < probability:
        flat = target.flatten()
        counts = torch.bincount(flat, minlength=IGNORE_INDEX + 1)
        counts[IGNORE_INDEX] = 0
        present = counts.nonzero().flatten().tolist()
        if present:
            chosen = present[int(rng.integers(len(present)))]
            place = int(rng.integers(int(counts[chosen])))
            pixel = int((flat == chosen).nonzero()[place])
            row, column = pixel // width - size[0] // 2, pixel % width - size[1] // 2
            return min(max(row, 0), room[0]), min(max(column, 0), room[1])
    return int(rng.integers(room[0] + 1)), int(rng.integers(room[1] + 1))


def inverse_matrix(degrees: float, scale: float, shear: float) -> np.ndarray:
    """Takes (down, right) from the centre of the result to the same in the source."""
    angle, lean = math.radians(degrees), math.tan(math.radians(shear))
    # counter-clockwise on the screen: right (0, 1) goes to up (-sin, cos)
    turn = np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    return np.linalg.inv(scale * turn @ np.array([[1.0, 0.0], [lean, 1.0]]))


def affine_grid(
    size: tuple[int, int],
    inverse: np.ndarray,
    centre: tuple[float, float],
    translate: tuple[float, float] = (0.0, 0.0),
) -> tuple[Tensor, Tensor]:
    """Source row and column (float64) of each pixel of a result about `centre`."""
    down = torch.arange(size[0], dtype=torch.float64) - (size[0] - 1) / 2
    down = down - translate[0]
    right = torch.arange(size[1], dtype=torch.float64) - (size[1] - 1) / 2
    right = right - translate[1]
    (a, b), (c, d) = inverse.tolist()
    rows = (a * down + centre[0])[:, None] + (b * right)[None, :]
    columns = (c * down + centre[1])[:, None] + (d * right)[None, :]
    return rows, columns


def displacement(
    size: tuple[int, int], rng: np.random.Generator, alpha: float, sigma: float
) -> Tensor:
    """The field of `elastic` in pixels: (down, right) of each pixel, float32."""
    field = torch.from_numpy(2 * rng.random((2, *size), dtype=np.float32) - 1)
    return alpha * smooth(field, sigma)
