"""What a user hands to a trained model, read with nothing but the checkpoint's info."""

from pathlib import Path
from typing import Any

import numpy as np

from ..utils.errors import InputError
from .image_folder import SUFFIXES, read_image
from .sentences import encode_words
from .tables import read_table, standardise
from .text import encode, read_text
from .transforms import normalise


def read_inputs(
    path: str | Path, info: dict[str, Any]
) -> tuple[np.ndarray | list[np.ndarray], list[str]]:
    """Features as the model was trained on, and a name for each sample.

    Images: one PNG or JPEG, or a folder of them. points and table: a CSV with the
    columns of the training (x, y for points; more columns are not read). sentiment: a
    sentence a line. text: the whole file as one sample. Raises InputError.
    """
    path, kind = Path(path), info["name"]
    if kind in ("points", "table"):
        return _read_rows(path, info)
    if kind == "text":
        return encode(read_text(path), info["vocabulary"])[None], [path.name]
    if kind == "sentiment":
        lines = [line for line in read_text(path).splitlines() if line.strip()]
        if not lines:
            raise InputError(f"{path}: has no sentences, only empty lines")
        return encode_words(lines, info["vocabulary"]), lines
    return _read_images(path, info)


def _read_images(path: Path, info: dict[str, Any]) -> tuple[np.ndarray, list[str]]:
    files = [path]
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        if not files:
            raise InputError(
                f"{path}: has no file that ends with {', '.join(SUFFIXES)}"
            )
    channels, *size = info["input_shape"]
    images = []
    for file in files:
        image = read_image(file, channels)
        if list(image.shape[1:]) != size:
            raise InputError(
                f"{file}: is {image.shape[1]}x{image.shape[2]} (height x width), but "
                f"the model was trained on {size[0]}x{size[1]}; scale it first"
            )
        images.append(image)
    ready = normalise(np.stack(images), info["mean"], info["std"])
    return ready, [file.name for file in files]


def _read_rows(path: Path, info: dict[str, Any]) -> tuple[np.ndarray, list[str]]:
    columns = info.get("columns", ["x", "y"])
    table = read_table(path, None, columns)
    names = [f"row {number}" for number in range(1, len(table.features) + 1)]
    if "mean" not in info:
        return table.features.astype(np.float32), names
    return standardise(table.features, info["mean"], info["std"]), names
