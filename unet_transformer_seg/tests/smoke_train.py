"""A tiny training runs and learns: the first thing to try after a change."""

import pytest
import torch

from src.losses import LossConfig
from src.models import MODELS, ModelConfig, TransformerConfig, build_model
from src.training.optim import OptimConfig, build_optimizer
from src.training.task import SegmentationTask
from src.utils.checkpoint import load_checkpoint
from tests.tiny import start


@pytest.mark.spec("SEG-129", "reaches a mean IoU of 0.85")
def test_the_easy_toy_is_learnt_in_a_hundred_steps(tmp_path):
    settings = (
        "data.batch_size=16", "data.toy.n_train=400", "data.toy.n_val=32",
        "model.width=8", "model.depth=3", "model.dropout=0", "optim.lr=1e-2",
        "train.epochs=4", "train.ema=0", "augment.flips=true",
    )  # fmt: skip
    assert start(tmp_path, *settings) == 0
    best = load_checkpoint(tmp_path / "run/checkpoints/best.pt")
    assert best["metrics"]["miou"] >= 0.85, best["metrics"]


@pytest.mark.spec("SEG-129", "one repeated batch falls below a tenth")
@pytest.mark.parametrize("name", MODELS)
def test_one_batch_is_learnt_by_heart(name):
    from src.data import ToyConfig
    from src.data.toy_shapes import ToyShapes

    torch.manual_seed(0)
    dataset = ToyShapes(ToyConfig(size=32), "train", 0)
    samples = [dataset[(0, i)] for i in range(4)]
    batch = {k: torch.stack([s[k] for s in samples]) for k in ("image", "target")}
    transformer = TransformerConfig(layers=1, n_heads=2)
    config = ModelConfig(name=name, width=8, depth=2, transformer=transformer)
    model = build_model(config, dataset.info.in_channels, len(dataset.info.class_names))
    task = SegmentationTask(LossConfig(), dataset.info)
    optimizer = build_optimizer(OptimConfig(lr=1e-2), model)
    losses = []
    for _ in range(80):
        loss = task.loss(model, batch, 0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10, losses[::10]
