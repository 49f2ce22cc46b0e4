"""A checkpoint without a training, images as files, and scripts run in this process."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from src.data import AugmentConfig, DataConfig, DataInfo, ToyConfig, build_datasets
from src.inference.predictor import load_predictor
from src.models import ModelConfig, build_model
from src.training.progress import TrainConfig
from src.training.task import Config
from src.utils.checkpoint import save_checkpoint
from src.utils.cli import run
from src.utils.config import to_dict


ROOT = Path(__file__).resolve().parents[1]
TOY = DataConfig(toy=ToyConfig(size=12, n_train=8, n_val=10, n_test=20))
CONFIG = Config(
    data=TOY,
    augment=AugmentConfig(flip="random", crop=2),
    model=ModelConfig("simple_cnn", widths=(4, 6)),
)
INFO = DataInfo(
    in_channels=3,
    height=12,
    width=16,
    class_names=("cat", "dog", "eel"),
    mean=(0.4, 0.5, 0.6),
    std=(0.2, 0.25, 0.3),
    class_counts=(4, 2, 2),
    fingerprint="none",
)


def make_checkpoint(
    run_folder: Path,
    config: Config = CONFIG,
    info: DataInfo | None = None,
    seed: int = 0,
    bias: list[float] | None = None,
) -> Path:
    """`run_folder/checkpoints/best.pt` of a model with random weights.

    `info` None takes that of the data. `bias` is that of the head.
    """
    if info is None:
        info = build_datasets(config.data, AugmentConfig(), config.seed)["train"].info
    torch.manual_seed(seed)
    size, classes = (info.height, info.width), len(info.class_names)
    model = build_model(config.model, info.in_channels, classes, size)
    model.head.weight.data *= 3  # as after a training: not all near the same
    if bias is not None:
        model.head.bias.data = torch.tensor(bias)
    (run_folder / "checkpoints").mkdir(parents=True)
    (run_folder / "meta.json").write_text("{}")
    path = run_folder / "checkpoints/best.pt"
    content = {
        "kind": "weights",
        "config": to_dict(config),
        "data": to_dict(info),
        "model": model.state_dict(),
        "metrics": {},
    }
    save_checkpoint(path, content)
    return path


def with_train(**settings) -> Config:
    """`CONFIG` with other settings of the training."""
    return replace(CONFIG, train=TrainConfig(**settings))


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


def leave_out_pictures(monkeypatch) -> None:
    """Make evaluation and inference quick; three tests draw their pictures."""
    for place in ("report.gallery", "report.confusion_picture", "infer.contact_sheet"):
        monkeypatch.setattr(f"src.inference.{place}", lambda *_: None)
    monkeypatch.setattr("src.inference.report.reliability_picture", lambda *_: None)


def logits_of(checkpoint, split="test", tta="none"):
    """Logits, classes and names of a split of the toys, in one batch."""
    predictor = load_predictor(checkpoint)
    dataset = build_datasets(TOY, AugmentConfig(), 0)[split]
    batch = dataset.__getitems__([(0, i) for i in range(len(dataset))])
    return predictor.logits(batch["image"], tta), batch["target"], batch["name"]
