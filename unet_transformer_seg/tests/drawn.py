"""What the tests of pictures share."""

from pathlib import Path

import numpy as np
from PIL import Image


NAMES = ["ok", "ünï", "猫", "new\nline", "$x_1$", "a_{b", "x" * 200, "\udcff"]


def written(path: Path) -> np.ndarray:
    """The picture, which must be a whole PNG with something drawn in it."""
    with Image.open(path, formats=["PNG"]) as image:
        pixels = np.array(image.convert("RGB"))
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert pixels.std() > 5
    return pixels
