"""A trained model in use: probabilities of classes, and text a character at a time."""

from itertools import islice
from typing import Any

import numpy as np

from .. import nn
from ..data import ArrayDataset, batches
from ..engine.grad_mode import no_grad
from ..engine.tensor import from_numpy
from .task import ClassificationTask, scores, to_tensors


def sum_over(
    model: nn.Module,
    task: ClassificationTask,
    dataset: ArrayDataset,
    batch_size: int,
    device: str = "cpu",
    limit: int | None = None,
) -> dict[str, Any]:
    """What `task.evaluate` counts over a data set, or over its first batches."""
    model, sums = model.eval(), {}
    loader = batches(dataset, batch_size, 0, 0, shuffle=False)
    with no_grad():
        for batch in islice(loader, limit):
            for name, value in task.evaluate(model, to_tensors(batch, device)).items():
                sums[name] = sums.get(name, 0) + value
    return sums


def probabilities(
    model: nn.Module,
    dataset: ArrayDataset,
    device: str = "cpu",
    batch_size: int = 256,
) -> np.ndarray:
    """The softmax of the logits of each sample, float64 (samples, classes)."""
    model, rows = model.eval(), []
    with no_grad():
        for batch in batches(dataset, batch_size, 0, 0, shuffle=False):
            logits = scores(model, to_tensors(batch, device))
            rows.append(softmax(logits.to("cpu").numpy()))
    return np.concatenate(rows)


def unlabelled(features: np.ndarray | list[np.ndarray]) -> ArrayDataset:
    """Samples without labels, as `read_inputs` gives them."""
    return ArrayDataset(features, np.zeros(len(features), np.int64))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Along the last axis, in double precision."""
    values = np.exp(logits - logits.max(-1, keepdims=True), dtype=np.float64)
    return values / values.sum(-1, keepdims=True)


def continue_text(
    model: nn.Module,
    ids: np.ndarray,
    count: int,
    block: int,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    seed: int = 0,
    device: str = "cpu",
) -> np.ndarray:
    """`count` ids drawn one after another, each from what the model says comes next.

    It sees the last `block` ids. `temperature` divides the logits, 0 takes the best
    one; `top_k` leaves so many candidates, 0 all.
    """
    if not len(ids):
        raise ValueError("continue_text: there is nothing to continue")
    random, model, drawn = np.random.default_rng(seed), model.eval(), list(ids)
    with no_grad():
        for _ in range(count):
            context = np.array(drawn[-block:], np.int64)[None]
            logits = model(from_numpy(context).to(device)).to("cpu").numpy()[0, -1]
            drawn.append(_draw(logits, temperature, top_k, random))
    return np.array(drawn[len(ids) :], np.int64)


def _draw(
    logits: np.ndarray, temperature: float, top_k: int, random: np.random.Generator
) -> int:
    if temperature == 0:
        return int(logits.argmax())
    logits = logits.astype(np.float64) / temperature
    if 0 < top_k < len(logits):
        logits[logits < np.sort(logits)[-top_k]] = -np.inf
    return int(random.choice(len(logits), p=softmax(logits)))
