"""A tiny training runs and learns: the first thing to try after a change."""

import pytest
import torch

from src.data import AugmentConfig, DataConfig, ToyConfig, build_datasets
from src.losses import LossConfig
from src.training.optim import OptimConfig, build_optimizer
from src.training.task import ClassificationTask
from src.utils.checkpoint import load_checkpoint
from src.utils.debug import models
from tests.tiny import start


@pytest.mark.spec("CNN-169", "reaches an accuracy of 0.85")
def test_the_toy_is_learnt_in_a_hundred_steps(tmp_path):
    settings = (
        "data.batch_size=32", "data.toy.n_train=800", "data.toy.n_val=100",
        "data.toy.size=24", "model.widths=[8, 8, 16, 16, 32]", "model.dropout=0", "augment.mixup=0",
        "optim.lr=1e-2", "train.epochs=4", "train.ema=0",
    )  # fmt: skip
    assert start(tmp_path, *settings) == 0
    best = load_checkpoint(tmp_path / "run/checkpoints/best.pt")
    assert best["metrics"]["accuracy"] >= 0.85, best["metrics"]
