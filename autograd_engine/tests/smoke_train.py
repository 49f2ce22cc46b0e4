"""A tiny training runs and learns: the first thing to try after a change."""

import numpy as np
import pytest

from src.data import DataConfig, batches, open_data
from src.engine.random import manual_seed
from src.models import ModelConfig, build_model
from src.training.optim import OptimConfig, build_optimizer
from src.training.task import ClassificationTask, to_tensors
from src.utils.checkpoint import load_checkpoint
from tests.tiny import start


@pytest.mark.spec("AGE-084", "reaches an accuracy of 0.9 on the drawn digits")
def test_the_drawn_digits_are_learnt_in_a_hundred_steps(tmp_path):
    settings = (
        "data.count=1600", "data.batch_size=64", "model.hidden=[64]", "train.ema=0",
        "model.dropout=0", "optim.lr=5e-3", "data.augment.crop=0",
    )  # fmt: skip
    assert start(tmp_path, *settings) == 0
    best = load_checkpoint(tmp_path / "run/checkpoints/best.npz")
    assert best["metrics"]["accuracy"] >= 0.9, best["metrics"]


@pytest.fixture(scope="module")
def text_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("the cat sat on the mat and the dog lay by the door\n" * 20)
    return path


@pytest.mark.spec("AGE-084", "one repeated batch falls below a tenth")
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("mlp", "digits"), ("lenet", "digits"), ("cnn", "digits"), ("resnet", "digits"),
        ("lstm", "sentiment"), ("lstm", "text"), ("gpt", "text"),
    ],
)  # fmt: skip
def test_one_batch_is_learnt_by_heart(name, data, text_file):
    manual_seed(0)
    root = str(text_file) if data == "text" else ""
    splits = open_data(DataConfig(name=data, count=20, root=root, block=8), 0)
    small = ModelConfig(
        name=name, hidden=(32,), widths=(4, 8), width=4, d_model=32, n_heads=2
    )
    model = build_model(small, splits.info).train()
    task = ClassificationTask(splits.info)
    batch = to_tensors(next(batches(splits.train, 4, 0, 0)))
    optimizer = build_optimizer(OptimConfig(lr=1e-2), model)
    losses = []
    for _ in range(80):
        loss = task.loss(model, batch, 0.0)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10, np.array(losses[::10])
