"""Tiny checkpoints in a folder of runs, and files as a page sends them."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from src.app.uploads import Upload
from src.models import ModelConfig, TransformerConfig
from tests.inference_tools import MODEL, make_checkpoint


HYBRID = ModelConfig(
    name="unet_transformer",
    width=4,
    depth=2,
    transformer=TransformerConfig(layers=2, n_heads=2, grid=8),
)


def two_runs(folder: Path) -> tuple[Path, Path]:
    """The checkpoints of a hybrid and of a plain U-Net, for the same four classes."""
    bias = [0.3, 0.1, 0.0, -0.1]
    return (
        make_checkpoint(folder / "hybrid", model_config=HYBRID, bias=bias),
        make_checkpoint(folder / "plain", model_config=MODEL, bias=bias),
    )


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def upload(content: bytes, name: str = "mine.png") -> Upload:
    return Upload(name, base64.b64encode(content).decode())


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    """An image of random pixels, the same for the same size."""
    rng = np.random.default_rng(height * 1000 + width)
    shape = (height, width, channels) if channels > 1 else (height, width)
    return rng.integers(0, 256, shape, dtype=np.uint8)


def large() -> bytes:
    """A PNG of 50 megapixels in a few kilobytes."""
    buffer = io.BytesIO()
    Image.new("1", (8000, 6250)).save(buffer, "PNG")
    return buffer.getvalue()
