"""Digits drawn with strokes, 28x28 grey: a picture set that needs no download.

Each digit is a few lines and arcs in the unit square, moved, turned, scaled, sheared
and drawn with a random pen; then noise is added.
"""

import numpy as np


SIZE = 28


def toy_digits(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`n` images, uint8 (n, 28, 28), and their digits, int64, as many of each.

    The same seed gives the same bytes.
    """
    if n < 1:
        raise ValueError(f"toy_digits: n is {n}; at least 1")
    rng = np.random.default_rng([seed, DIGIT_KEY])
    labels = rng.permutation(np.arange(n, dtype=np.int64) % 10)
    images = np.empty((n, SIZE, SIZE), np.uint8)
    for digit in range(10):
        places = np.flatnonzero(labels == digit)
        for chunk in np.array_split(places, max(1, len(places) // 64)):
            images[chunk] = _draw(digit, len(chunk), rng)
    return images, labels


DIGIT_KEY = 0xD161  # no other use of the seed draws these numbers


def _draw(digit: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Grey falls off with the distance of a pixel from the nearest stroke."""
    points, first = _outline(digit)
    turn, shear = rng.uniform(-0.25, 0.25, count), rng.uniform(-0.2, 0.2, count)
    scale, shift = rng.uniform(0.75, 1.1, (2, count)), rng.uniform(-2, 2, (count, 2))
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    matrix = np.stack(
        [
            np.stack([cos[0], shear - sin[1]], -1),
            np.stack([sin[0], cos[1]], -1),
        ],
        -2,
    )
    wobble = rng.normal(0, 0.02, (count, *points.shape))
    placed = np.einsum("nij,npj->npi", matrix, points + wobble) * 20
    placed = placed + (SIZE - 1) / 2 + shift[:, None]
    distance = _distance(placed[:, first], placed[:, first + 1])
    pen = rng.uniform(1.0, 2.0, (count, 1, 1))
    ink = np.clip(pen + 0.5 - distance, 0, 1) * rng.uniform(180, 255, (count, 1, 1))
    noisy = ink + rng.normal(0, 12, ink.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _distance(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Of each pixel from the nearest segment: (count, height, width)."""
    grid = np.arange(SIZE, dtype=np.float32)
    nearest = np.full((len(start), SIZE, SIZE), np.inf, np.float32)
    start, end = start.astype(np.float32), end.astype(np.float32)
    for segment in range(start.shape[1]):
        a, along = start[:, segment], end[:, segment] - start[:, segment]
        length = np.maximum((along**2).sum(-1), 1e-12)[:, None, None]
        dx, dy = along[:, 0, None, None], along[:, 1, None, None]
        x, y = grid - a[:, 0, None, None], grid[:, None] - a[:, 1, None, None]
        share = np.clip(x * (dx / length) + y * (dy / length), 0, 1)
        np.minimum(nearest, (x - share * dx) ** 2 + (y - share * dy) ** 2, out=nearest)
    return np.sqrt(nearest)


def _outline(digit: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (x right, y down) about the centre, and where each segment begins."""
    strokes = [np.asarray(stroke, float) for stroke in STROKES[digit]]
    starts = np.cumsum([0] + [len(stroke) for stroke in strokes])
    first = [
        np.arange(at, at + len(stroke) - 1)
        for at, stroke in zip(starts, strokes, strict=False)
    ]
    return np.concatenate(strokes), np.concatenate(first)


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list:
    """Points on an ellipse, in degrees from the right, clockwise on the screen."""
    t = np.radians(np.linspace(start, end, max(3, int(abs(end - start) / 36) + 1)))
    return list(zip(x + rx * np.cos(t), y + ry * np.sin(t), strict=True))


STROKES = {
    0: [_arc(0, 0, 0.28, 0.45, 0, 360)],
    1: [[(-0.15, -0.3), (0.05, -0.45), (0.05, 0.45)]],
    2: [[*_arc(0, -0.2, 0.26, 0.25, 180, 390), (-0.28, 0.45), (0.3, 0.45)]],
    3: [
        _arc(-0.02, -0.22, 0.26, 0.23, 200, 450),
        _arc(-0.02, 0.22, 0.3, 0.23, 270, 520),
    ],
    4: [[(0.1, -0.45), (-0.3, 0.15), (0.32, 0.15)], [(0.15, -0.1), (0.15, 0.45)]],
    5: [
        [(0.28, -0.45), (-0.22, -0.45), (-0.25, -0.05)],
        [(-0.25, -0.05), *_arc(-0.02, 0.18, 0.3, 0.27, 240, 510)],
    ],
    6: [[(0.18, -0.45), (-0.12, -0.15), *_arc(0, 0.2, 0.26, 0.25, 180, 540)]],
    7: [[(-0.3, -0.45), (0.3, -0.45), (-0.08, 0.45)]],
    8: [_arc(0, -0.23, 0.23, 0.22, 0, 360), _arc(0, 0.22, 0.28, 0.23, 0, 360)],
    9: [[*_arc(0, -0.2, 0.26, 0.25, 360, 0), (0.24, 0.1), (0.08, 0.45)]],
}
