"""A tiny training runs and learns: the first thing to try after a change."""

import pytest

from src.utils.checkpoint import load_checkpoint
from tests.tiny import start


@pytest.mark.spec("SEQ-169", "2.2 bits per byte or less after 600 steps")
def test_the_toy_is_learnt_in_six_hundred_steps(tmp_path):
    settings = (
        "data.batch_size=8", "data.block=32", "data.samples=2400", "model.name=gru",
        "data.toy.n_train=200", "data.toy.n_val=20", "model.embedding=32",
        "model.hidden=64", "model.layers=1", "model.dropout=0", "optim.lr=2e-2",
        "train.epochs=2", "train.ema=0",
    )  # fmt: skip
    assert start(tmp_path, *settings) == 0
    best = load_checkpoint(tmp_path / "run/checkpoints/best.pt")
    assert best["metrics"]["bpb"] <= 2.2, best["metrics"]
