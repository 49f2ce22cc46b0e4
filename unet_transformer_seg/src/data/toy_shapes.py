"""Toy shapes: discs, squares and triangles that hide each other, with noise.

easy        the colour tells the class; dark background, noise .1
shape_only  any bright colour, dark background, noise .1: the outline tells the class
hard        any colour on any background with a gradient and a texture, noise .15
"""

import sys

import numpy as np

from .toy import Split, Toy, ToyConfig, debug, grid, image_rng


__all__ = ["ToyConfig", "ToyShapes", "inside", "render"]

DISC, SQUARE, TRIANGLE = 1, 2, 3
# the colours in which utils.pictures tints the classes
EASY_COLOURS = np.array(
    [[0.05, 0.05, 0.05], [0.9, 0.62, 0.0], [0.34, 0.71, 0.91], [0.0, 0.62, 0.45]],
    dtype=np.float32,
)
NOISE = {"easy": 0.1, "shape_only": 0.1, "hard": 0.15}
SMALLEST, LARGEST = 0.10, 0.20  # radius of the disc of equal area / side of image
MAX_SHAPES = 4
MIN_CONTRAST = 0.35  # RGB distance of a hard shape from its background's mean


def inside(
    kind: int, size: int, row: float, column: float, radius: float, angle: float
) -> np.ndarray:
    """Pixels (bool HW) with their centre in a shape of area pi radius^2."""
    rows, columns = grid(size)
    y, x = rows - np.float32(row), columns - np.float32(column)
    if kind == DISC:
        return y * y + x * x <= np.float32(radius * radius)
    corners = 4 if kind == SQUARE else 3
    # a regular n-gon of apothem a has the area n a^2 tan(pi / n)
    apothem = radius * np.sqrt(np.pi / (corners * np.tan(np.pi / corners)))
    result = np.ones((size, size), dtype=bool)
    for side in range(corners):
        turn = angle + 2 * np.pi * side / corners
        result &= y * np.float32(np.sin(turn)) + x * np.float32(np.cos(turn)) <= apothem
    return result


def render(
    config: ToyConfig, seed: int, split: Split, index: int, epoch: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """One image (float32 CHW in [0, 1]) and its classes (int64 HW)."""
    rng = image_rng(seed, split, epoch, index)
    size = config.size
    image = _background(config.variant, size, rng)
    behind = image.mean((1, 2))
    target = np.zeros((size, size), dtype=np.int64)
    for kind, row, column, radius, angle in _place(size, rng):
        mask = inside(kind, size, row, column, radius, angle)
        target[mask] = kind
        image[:, mask] = _colour(config.variant, kind, behind, rng)[:, None]
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise *= np.float32(NOISE[config.variant])
    image += noise
    return np.clip(image, 0, 1, out=image), target


class ToyShapes(Toy):
    """Discs, squares and triangles that hide each other, with noise."""

    class_names = ("background", "disc", "square", "triangle")
    mask_values = ((0,), (85,), (170,), (255,))
    render = staticmethod(render)


def _place(size: int, rng: np.random.Generator) -> list[tuple]:
    """Kind, centre, radius and angle of one to four shapes, the hindmost first.

    Of eight random places a shape takes the first that leaves the shapes behind it
    mostly visible, or else the best: nobody could name what is hidden too far.
    """
    shapes: list[tuple] = []
    for _ in range(rng.integers(1, MAX_SHAPES + 1)):
        kind = int(rng.integers(DISC, TRIANGLE + 1))
        radius = size * rng.uniform(SMALLEST, LARGEST)
        angle = rng.uniform(0, 2 * np.pi)
        places = rng.uniform(radius, size - 1 - radius, (8, 2))
        room = np.full(8, np.inf)
        for _, row, column, other, _ in shapes:
            distance = np.hypot(places[:, 0] - row, places[:, 1] - column)
            room = np.minimum(room, distance - 0.8 * (radius + other))
        best = int(np.argmax(room >= 0)) if (room >= 0).any() else int(np.argmax(room))
        shapes.append((kind, *places[best], radius, angle))
    return shapes


def _background(variant: str, size: int, rng: np.random.Generator) -> np.ndarray:
    if variant != "hard":
        image = np.empty((3, size, size), dtype=np.float32)
        image[:] = EASY_COLOURS[0][:, None, None]
        return image
    rows, columns = grid(size)
    colours = rng.uniform(0, 1, (2, 3, 1, 1)).astype(np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    ramp = (np.sin(turn) * rows + np.cos(turn) * columns) / np.float32(size)
    ramp = (ramp - ramp.min()) / (ramp.max() - ramp.min())
    waves = rng.uniform(0.1, 0.6, (2, 2))  # radians a pixel: periods of 10 to 60 pixels
    texture = np.sin(waves[0, 0] * rows + waves[0, 1] * columns)
    texture = texture * np.sin(waves[1, 0] * rows - waves[1, 1] * columns)
    half = (colours[1] - colours[0]) / 2
    # only half the way to the second colour, so that MIN_CONTRAST means something
    image = colours[0] + half * ramp.astype(np.float32)
    return image + 0.1 * texture.astype(np.float32)


def _colour(
    variant: str, kind: int, behind: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    if variant == "easy":
        return EASY_COLOURS[kind]
    if variant == "shape_only":
        colour = rng.uniform(0.2, 1.0, 3)
        colour[rng.integers(3)] = rng.uniform(0.7, 1.0)  # one channel is always bright
        return colour.astype(np.float32)
    choices = rng.uniform(0, 1, (8, 3))
    far = np.linalg.norm(choices - behind, axis=1) >= MIN_CONTRAST
    return choices[np.argmax(far)].astype(np.float32)


if __name__ == "__main__":
    sys.exit(debug(ToyShapes, "toy_shapes"))
