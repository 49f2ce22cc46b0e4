"""A toy in which the class of a shape depends on a marker far away in the image.

A marker, red or blue, lies in the left strip, discs and squares in the right part.
easy: under red all shapes are class 1, under blue class 2.
hard: under red a disc is class 1 and a square class 2, under blue they are swapped;
neither cue says anything alone, so that training long rests at chance.

At least GAP pixels lie between the marker and any shape. A U-Net of depth 2 depends on
23 pixels to each side (26 with bilinear up-sampling; measured in the tests), so
that it must guess; depth 3 reaches 51.

The images 2k and 2k+1 differ in the colour of the marker alone. Whoever does not see it
gives both the same answer, right for one and wrong for the other: with a share q of the
shape pixels called class 1, IoU is q/(1+q) and (1-q)/(2-q). Their sum is largest at
q = 1/2, so that the mean IoU, background included, cannot exceed (1 + 1/3 + 1/3) / 3.
This is exact for a confusion matrix pooled over whole pairs, as in the default splits.

A net with group or instance normalisation does see across: its statistics span the
image. A crop may cut the marker away; flips and quarter turns keep the distance.
"""

import sys

import numpy as np

from .toy import Split, Toy, ToyConfig, debug, image_rng
from .toy_shapes import DISC, SQUARE, inside


GAP = 28
"""Least distance in pixels, along the columns, between a marker and a shape pixel."""
CEILING_WITHOUT_CUE = 5 / 9
"""Mean IoU over the three classes that no predictor blind to the marker can exceed."""
STRIP = 11
MARKER = 8
SMALLEST, LARGEST = 6.0, 8.0  # radius of the disc of equal area, pixels
BACKGROUND, SHAPE = (0.1, 0.1, 0.1), (0.8, 0.8, 0.8)
COLOURS = ((0.95, 0.2, 0.1), (0.1, 0.35, 0.95))  # red, blue
NOISE = 0.05


def render(
    config: ToyConfig, seed: int, split: Split, index: int, epoch: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """One image (float32 CHW in [0, 1]) and its classes (int64 HW)."""
    if config.size < 64:
        raise ValueError(f"size is {config.size}; toy_cue needs at least 64 pixels")
    if config.variant == "shape_only":
        raise ValueError("variant is 'shape_only'; toy_cue has easy and hard")
    size, swapped = config.size, index % 2
    rng = image_rng(seed, split, epoch, index // 2)
    image = np.empty((3, size, size), dtype=np.float32)
    image[:] = np.array(BACKGROUND, dtype=np.float32)[:, None, None]
    target = np.zeros((size, size), dtype=np.int64)
    for kind, row, column, radius in _place(size, rng):
        mask = inside(kind, size, row, column, radius, 0.0)
        image[:, mask] = np.array(SHAPE, dtype=np.float32)[:, None]
        label = kind if config.variant == "hard" else 1
        target[mask] = 3 - label if swapped else label
    top, left = rng.integers(1, size - MARKER), rng.integers(1, STRIP - MARKER + 1)
    colour = np.array(COLOURS[swapped], dtype=np.float32)
    image[:, top : top + MARKER, left : left + MARKER] = colour[:, None, None]
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise *= np.float32(NOISE)
    image += noise
    return np.clip(image, 0, 1, out=image), target


class ToyCue(Toy):
    """Discs and squares whose class is told by the colour of a far marker."""

    class_names = ("background", "first", "second")
    mask_values = ((0,), (127,), (255,))
    variants = ("easy", "hard")
    render = staticmethod(render)


def _place(size: int, rng: np.random.Generator) -> list[tuple]:
    """Kind, centre and radius of two or three shapes, each in its own band of rows."""
    count = int(rng.integers(2, 4))
    band = size / count
    shapes = []
    for number in range(count):
        kind = int(rng.integers(DISC, SQUARE + 1))
        radius = rng.uniform(SMALLEST, LARGEST)
        reach = radius + 1
        row = rng.uniform(number * band + reach, (number + 1) * band - reach)
        column = rng.uniform(STRIP + GAP + reach, size - 1 - reach)
        shapes.append((kind, row, column, radius))
    return shapes


if __name__ == "__main__":
    sys.exit(debug(ToyCue, "toy_cue"))
