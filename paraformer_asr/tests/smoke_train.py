"""A tiny training runs and learns: the first thing to try after a change."""

import json

import pytest

from tests.tiny import start


@pytest.mark.spec("ASR-169", "a token error rate of 5 % or less")
def test_the_toy_is_learnt(tmp_path):
    settings = (
        "data.batch_size=16", "data.toy.n_train=960", "data.toy.n_val=100",
        "model.d_model=32", "model.ff=64", "model.heads=4", "model.dropout=0",
        "model.encoder=conformer", "model.kernel=7", "optim.lr=4e-3", "train.ema=0",
    )  # fmt: skip
    assert start(tmp_path, *settings) == 0
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["best"]["ter"] <= 0.05
