"""What a picture file is, without drawing it again."""

from pathlib import Path

from PIL import Image


def size_of(path: Path) -> tuple[int, int]:
    """Width and height in pixels of a whole PNG."""
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        return image.size
