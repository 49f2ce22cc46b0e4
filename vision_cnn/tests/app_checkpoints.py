"""Opened checkpoints of small networks, for the tests of the pages."""

from pathlib import Path

from src.app.opened import Opened
from src.data import DataConfig, ToyConfig
from src.models import ModelConfig, options_of
from src.training.task import Config
from tests.checkpoints import make_checkpoint


def open_tiny(folder: Path, name: str, **options) -> Opened:
    """An untrained network of the registry for toy patterns of 16 or 32 pixels."""
    return Opened(make_tiny(folder, name, **options))


def make_tiny(folder: Path, name: str, **options) -> Path:
    if "width" in options_of(name):
        options = {"width": 1 / 3 if name == "vit_tiny" else 1 / 8} | options
    if "widths" in options_of(name):
        options = {"widths": (4, 8)} | options
    side = 32 if name.startswith(("vgg", "lenet")) else 16
    toy = ToyConfig(size=side, n_train=8, n_val=10, n_test=24)
    config = Config(data=DataConfig(toy=toy), model=ModelConfig(name=name, **options))
    return make_checkpoint(folder / "run", config)
