"""Checkpoints of tiny trainings, for the tests of the pages."""

from pathlib import Path

from src.utils.checkpoint import load_checkpoint, save_checkpoint
from tests.tiny import start


DIGITS = ("data.count=200", "data.batch_size=40", "optim.lr=1e-2",
          "train.ema=0", "model.dropout=0", "data.augment.crop=0")  # fmt: skip
POINTS = ("data={name: points}", "model.hidden=[4]", "model.dropout=0", "train.ema=0")


def digits_checkpoint(
    folder: Path, bad: bool = False, model: str = "model.hidden=[16]"
) -> Path:
    """A perceptron that has seen two hundred drawn digits; `bad`: with a NaN in it."""
    assert start(folder, *DIGITS, model) == 0
    path = folder / "run/checkpoints/best.npz"
    if bad:
        content = load_checkpoint(path)
        content["model"]["layers.0.weight"][0, 0] = float("nan")
        save_checkpoint(path, content)
    return path


def points_checkpoint(folder: Path) -> Path:
    """A perceptron of points in the plane."""
    assert start(folder, *POINTS) == 0
    return folder / "run/checkpoints/best.npz"
