"""A tiny training runs and learns: the first thing to try after a change."""

import pytest

from src.utils.checkpoint import load_checkpoint
from tests.tiny import start


@pytest.mark.spec("CNN-169", "reaches an accuracy of 0.85")
def test_the_toy_is_learnt_in_a_hundred_steps(tmp_path):
    settings = (
        "data.batch_size=32", "data.toy.n_train=800", "data.toy.n_val=100",
        "data.toy.size=24", "model.name=fast_cnn", "model.widths=[8, 16, 32]",
        "model.dropout=null", "augment.mixup=0", "optim.name=muon", "optim.lr=0.1",
        "optim.clip=0", "train.epochs=4", "train.ema=0",
    )  # fmt: skip
    assert start(tmp_path, *settings) == 0
    best = load_checkpoint(tmp_path / "run/checkpoints/best.pt")
    assert best["metrics"]["accuracy"] >= 0.85, best["metrics"]
