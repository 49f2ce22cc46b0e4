"""A checkpoint without a training, and scripts run in this process."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from src.data import (
    AugmentConfig,
    DataConfig,
    DataInfo,
    FolderConfig,
    ToyConfig,
    build_datasets,
)
from src.inference.predictor import Predictor
from src.models import ModelConfig, build_model
from src.utils.checkpoint import save_checkpoint
from src.utils.cli import run
from src.utils.config import to_dict


ROOT = Path(__file__).resolve().parents[1]
TOY = DataConfig(toy=ToyConfig(size=32, n_train=6, n_val=3, n_test=4))
AUGMENT = AugmentConfig(flips=True)
MODEL = ModelConfig(width=4, depth=2)
INFO = DataInfo(
    in_channels=3,
    class_names=("back", "disc", "square"),
    mask_values=((0,), (100,), (255,)),
    ignore_value=None,
    mean=(0.4, 0.5, 0.6),
    std=(0.2, 0.25, 0.3),
    class_pixels=(4, 2, 2),
    fingerprint="none",
)


def make_checkpoint(
    run_folder: Path,
    info: DataInfo | None = None,
    data: DataConfig = TOY,
    bias: list[float] | None = None,
    model_config: ModelConfig = MODEL,
) -> Path:
    """`run_folder/checkpoints/best.pt` of a model with random weights.

    `info` None takes that of `data`. `bias` of the head moves the classes.
    """
    if info is None:
        info = build_datasets(data, AugmentConfig(), 0)["train"].info
    torch.manual_seed(0)
    model = build_model(model_config, info.in_channels, len(info.class_names))
    if bias is not None:
        model.head.bias.data = torch.tensor(bias)
    folder = run_folder / "checkpoints"
    folder.mkdir(parents=True)
    (run_folder / "meta.json").write_text("{}")
    config = {"seed": 0, "data": data, "augment": AUGMENT, "model": model_config}
    content = {
        "kind": "weights",
        "config": to_dict(config),
        "data": to_dict(info),
        "model": model.state_dict(),
        "metrics": {},
        "progress": {"step": 1, "epoch": 1},
    }
    save_checkpoint(folder / "best.pt", content)
    return folder / "best.pt"


def predictor_of(model, info: DataInfo = INFO) -> Predictor:
    return Predictor(model.eval(), info)


def save_image(
    path: Path, height: int = 20, width: int = 30, channels: int = 3
) -> Path:
    rng = np.random.default_rng(height * 1000 + width)
    shape = (height, width, 3) if channels == 3 else (height, width)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)
    return path


def call(monkeypatch, script: str, *arguments: object) -> int:
    """Run scripts/<script>.py as the command line does; gives its exit code."""
    spec = importlib.util.spec_from_file_location(script, ROOT / f"scripts/{script}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", [f"{script}.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        run(module.command)
    return stop.value.code or 0


def folder_data(path, sizes=((24, 24),) * 6, values=(0, 255)) -> DataConfig:
    """Bright squares on noise, with masks."""
    rng = np.random.default_rng(0)
    for i, size in enumerate(sizes):
        save_image(path / "images" / f"{i}.png", *size, channels=1)
        mask = np.full(size, values[0], np.uint8)
        mask[4 : 10 + i, 5:15] = values[1]
        pixels = np.where(mask == values[1], 100, 20) + rng.integers(0, 150, size)
        Image.fromarray(pixels.astype(np.uint8)).save(path / "images" / f"{i}.png")
        (path / "masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(path / "masks" / f"{i}.png")
    folder = FolderConfig(images=str(path / "images"), masks=str(path / "masks"))
    return DataConfig(name="folder", folder=folder)
