"""Colours for classes, told apart by every kind of colour vision."""

import functools

import numpy as np

from .plots import OKABE_ITO


Colour = tuple[int, int, int]
LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G, B in the grey of ITU-R BT.601."""


@functools.lru_cache
def palette(classes: int) -> tuple[Colour, ...]:
    """One RGB colour a class: Okabe and Ito's eight, then the farthest from all before.

    Distance is the least over normal, protan and deutan vision, in Oklab; near-black
    and near-white do not tint and are left out. A longer palette begins with the
    shorter one, so that a class keeps its colour.
    """
    chosen = [rgb(colour) for colour in OKABE_ITO[:classes]]
    if classes <= len(chosen):
        return tuple(chosen)
    levels = np.linspace(0, 255, 13).round()
    axes = np.meshgrid(levels, levels, levels, indexing="ij")
    grid = np.stack(axes, -1).reshape(-1, 3)
    lightness = _as_seen(grid)[0, :, 0]
    grid = grid[(lightness > 0.35) & (lightness < 0.95)]
    seen = _as_seen(grid)
    nearest = np.full(len(grid), np.inf)
    for colour in chosen:
        nearest = np.minimum(nearest, _distance(seen, np.array([colour])))
    while len(chosen) < classes:
        best = int(nearest.argmax())
        chosen.append(tuple(int(v) for v in grid[best]))
        nearest = np.minimum(nearest, _distance(seen, grid[best : best + 1]))
    return tuple(chosen)


def rgb(colour: str) -> Colour:
    """`#RRGGBB` as bytes."""
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


# Machado, Oliveira & Fernandes 2009, severity 1: linear RGB as seen by all, without the
# long-wave cones (protan), without the middle-wave cones (deutan).
_VISION = (
    np.eye(3),
    [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
)
# Ottosson 2020, Oklab.
_LMS = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
_LAB = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]


def _as_seen(colours: np.ndarray) -> np.ndarray:
    """Oklab coordinates of RGB bytes (n, 3) in each kind of vision: (3, n, 3)."""
    v = colours / 255.0
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    seen = [np.clip(linear @ np.transpose(matrix), 0, 1) for matrix in _VISION]
    lms = (np.cbrt(s @ np.transpose(_LMS)) for s in seen)
    return np.stack([v @ np.transpose(_LAB) for v in lms])


def _distance(seen: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """How far each of `seen` is from `colour` to the eye that tells them least."""
    return np.linalg.norm(seen - _as_seen(colour), axis=-1).min(axis=0)
