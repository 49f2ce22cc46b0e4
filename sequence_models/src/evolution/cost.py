"""What a run will take, measured on a few of its steps before any is begun."""

import math
import statistics
import time
from typing import NamedTuple

import torch

from ..training.optim import build_optimizer
from ..training.task import Config, Setup, build
from ..utils.config import from_dict
from .plan import Pair


BESIDE = 6.0
"""CPU-seconds of imports, checkpoints and pictures."""


class Cost(NamedTuple):
    cpu_seconds: float
    """Of a whole run."""
    saved_bytes: int
    """What the forward pass of a batch keeps for the backward pass, each storage once,
    parameters left out."""


def measure(pair: Pair, steps: int = 3) -> Cost:
    """Train `steps` steps, after one that is not counted, on this machine's CPU."""
    config = from_dict(Config, pair.config, pair.name)
    setup = build(config)
    optimizer = build_optimizer(config.optim, setup.model)
    size = config.data.batch_size
    batch = setup.datasets["train"].__getitems__([(0, i) for i in range(size)])
    taken = []
    for _ in range(steps + 1):
        begun = time.process_time()
        setup.task.loss(setup.model, batch, 0.0).backward()
        optimizer.step()
        optimizer.zero_grad()
        taken.append(time.process_time() - begun)
        setup.task.carried.clear()
    step = statistics.median(taken[1:])
    batches = pair.tokens / (size * config.data.block)
    judged = math.ceil(config.train.epochs / config.train.eval_every)
    block = config.data.eval_block or config.data.block
    scored = len(setup.datasets["val"]) * block / (size * config.data.block)
    # A forward pass is about a third of a step.
    seconds = step * (batches + judged * scored / 3) + BESIDE
    return Cost(seconds, saved_bytes(setup, batch))


def saved_bytes_of(pair: Pair) -> int:
    """Bytes kept between the two passes of a batch of this pair."""
    config = from_dict(Config, pair.config, pair.name)
    setup = build(config)
    keys = [(0, i) for i in range(config.data.batch_size)]
    return saved_bytes(setup, setup.datasets["train"].__getitems__(keys))


def saved_bytes(setup: Setup, batch: dict) -> int:
    """Bytes that are kept between the forward and the backward pass of a batch."""
    weights = {p.untyped_storage().data_ptr() for p in setup.model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = setup.task.loss(setup.model, batch, 0.0)
    setup.task.carried.clear()
    del loss  # only now may the storages be freed, and their places be used again
    return sum(kept.values())
