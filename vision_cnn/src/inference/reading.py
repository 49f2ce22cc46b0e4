"""Image files of any size and colour, as the model was trained to see images."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..data.images import decode_image, read_bytes
from ..data.info import DataInfo


COLOURED = 8
"""Steps of 255 by which the channels of grey saved as JPEG may differ."""


class Picture(NamedTuple):
    file: Path
    pixels: Tensor
    """UInt8 CHW, of the size and the channels of the training."""
    height: int
    """Of the file."""
    width: int
    loses_colour: bool


def read_picture(file: Path, info: DataInfo) -> Picture:
    """Cut the centre of the proportions of the training and scale it to its size.

    Raises InputError for a file that cannot be read.
    """
    data, size = read_bytes(file), (info.height, info.width)
    pixels = decode_image(data, file, info.in_channels, size)
    with Image.open(io.BytesIO(data)) as header:
        width, height = header.size
    loses = info.in_channels == 1 and _is_coloured(decode_image(data, file, 3, size))
    return Picture(file, torch.from_numpy(pixels), height, width, loses)


def _is_coloured(pixels: np.ndarray) -> bool:
    return bool((pixels.max(0).astype(int) - pixels.min(0) > COLOURED).any())
