"""Small folders of images and masks for the tests."""

import dataclasses
from pathlib import Path

import numpy as np

from src.data.folder import FolderConfig
from src.data.images import write_png


def make(
    root: Path, names="abcdefghij", suffix="", shape=(8, 8), values=(0, 255)
) -> FolderConfig:
    """A folder of grey images of distinct brightness, with masks of vertical bands."""
    for i, name in enumerate(names):
        image = np.full(shape, 20 * i + 5, np.uint8)
        bands = np.arange(shape[1]) * len(values) // shape[1]
        mask = np.asarray(values, np.uint8)[np.tile(bands, (shape[0], 1))]
        write_png(root / "images" / f"{name}.png", image)
        write_png(root / "masks" / f"{name}{suffix}.png", mask)
    return FolderConfig(str(root / "images"), str(root / "masks"), suffix)


def change(config: FolderConfig, **changes) -> FolderConfig:
    return dataclasses.replace(config, **changes)


def grey(*shape, value=0) -> np.ndarray:
    return np.full(shape, value, np.uint8)
