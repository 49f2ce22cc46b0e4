"""What is trained here: a network that gives each sample, or each place of a text, a
class.
"""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .. import functional as F
from .. import nn
from ..data import Batch, DataConfig, Splits, batches, open_data
from ..data.text import IGNORED
from ..engine.grad_mode import no_grad
from ..engine.random import manual_seed
from ..engine.tensor import Tensor, from_numpy
from ..metrics import accuracy, confusion_matrix, recall
from ..models import ModelConfig, build_model
from ..utils.contracts import ContractError
from ..utils.errors import InputError
from .optim import OptimConfig
from .progress import TrainConfig


@dataclass(frozen=True, slots=True)
class Config:
    """A YAML file of configs/."""

    seed: int = 0
    """Of the weights, the order, the augmentation and the made-up data."""
    debug: bool = False
    """Print activations and gradients of the first batch; stop where a NaN is made."""
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed = {self.seed}: must be between 0 and {2**32 - 1}")


class Ready(NamedTuple):
    """A batch as tensors, where the model is."""

    features: Tensor
    labels: Tensor
    index: np.ndarray
    mask: Tensor | None


def to_tensors(batch: Batch, device: str = "cpu") -> Ready:
    """The batch on `device`; the places of the samples stay what they are."""
    features, labels = from_numpy(batch.features), from_numpy(batch.labels)
    mask = None if batch.mask is None else from_numpy(batch.mask)
    if device != "cpu":
        features, labels = features.to(device), labels.to(device)
        mask = None if mask is None else mask.to(device)
    return Ready(features, labels, batch.index, mask)


def scores(model: nn.Module, batch: Ready) -> Tensor:
    """What the model says of a batch: logits, the classes on the last axis."""
    if batch.mask is None:
        return model(batch.features)
    return model(batch.features, batch.mask)


class ClassificationTask:
    """Cross entropy and accuracy; of a text, at every place, with the perplexity."""

    def __init__(self, info: dict[str, Any], label_smoothing: float = 0.0) -> None:
        self.info, self.label_smoothing = info, label_smoothing
        self.classes: list[str] | None = info.get("classes")

    @property
    def names(self) -> list[str]:
        """Of the metrics; two classes are also judged one by one."""
        pair = self.classes if self.classes and len(self.classes) == 2 else []
        own = [f"recall/{name}" for name in pair] if self.classes else ["perplexity"]
        return ["loss", "accuracy", *own]

    def loss(self, model: nn.Module, batch: Ready, progress: float) -> Tensor:
        """The mean over what is labelled."""
        logits, labels = _rows(scores(model, batch), batch.labels)
        return F.cross_entropy(
            logits, labels, ignore_index=IGNORED, label_smoothing=self.label_smoothing
        )

    def evaluate(self, model: nn.Module, batch: Ready) -> dict[str, Any]:
        """Sums over the batch: loss without smoothing, samples, hits, confusion."""
        logits, labels = _rows(scores(model, batch), batch.labels)
        loss = F.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
        truth = labels.to("cpu").numpy()
        counted = truth != IGNORED
        truth = truth[counted]
        guess = logits.detach().to("cpu").numpy().argmax(1)[counted]
        sums = {"loss": loss.item(), "count": len(truth)}
        if self.classes is None:
            return sums | {"right": int((guess == truth).sum())}
        return sums | {"confusion": confusion_matrix(guess, truth, len(self.classes))}

    def metrics(self, sums: dict[str, Any]) -> dict[str, float]:
        """The numbers that added sums mean."""
        loss = sums["loss"] / sums["count"]
        if self.classes is None:
            perplexity = math.exp(loss) if loss < 700 else math.inf
            values = [loss, sums["right"] / sums["count"], perplexity]
        else:
            per_class = recall(sums["confusion"]).tolist()
            values = [loss, accuracy(sums["confusion"])]
            values += per_class if len(per_class) == 2 else []
        return dict(zip(self.names, values, strict=True))


def _rows(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """A row per prediction: (batch, tokens, vocab) becomes (batch tokens, vocab)."""
    return logits.reshape(-1, logits.shape[-1]), labels.reshape(-1)


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a config means, ready to be trained."""

    model: nn.Module
    task: ClassificationTask
    splits: Splits
    data: dict[str, Any]
    """Plain values for the checkpoint, under the key "data"."""

    title: str


def build(config: Config) -> Setup:
    """Open the data and build the model; raises InputError for what cannot be.

    Seeds the engine: the same config gives the same weights.
    """
    splits = open_data(config.data, config.seed)
    task = ClassificationTask(splits.info, config.train.label_smoothing)
    if config.train.monitor not in task.names:
        raise InputError(
            f"train.monitor = {config.train.monitor}: this data has "
            f"{', '.join(task.names)}"
        )
    manual_seed(config.seed)
    try:
        model = build_model(config.model, splits.info, config.seed)
        _try(model, splits)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"model: {error}") from None
    except (ContractError, TypeError, RuntimeError) as error:
        raise InputError(
            f"model.name = {config.model.name} does not fit data.name = "
            f"{config.data.name}: {str(error).replace(chr(10), ' ')}"
        ) from None
    data = {"info": splits.info, "fingerprint": splits.fingerprint}
    return Setup(model, task, splits, data, _title(config, splits, model))


def _try(model: nn.Module, splits: Splits) -> None:
    """Show the model one sample, before a run folder is made for it."""
    batch = next(batches(splits.train, 1, 0, 0, shuffle=False))
    with no_grad():
        scores(model.eval(), to_tensors(batch))
    model.train()


def _title(config: Config, splits: Splits, model: nn.Module) -> str:
    count = sum(p.numel() for p in model.parameters())
    what = config.data.points if config.data.name == "points" else ""
    many = splits.train.epoch_size or len(splits.train)
    return (
        f"{config.model.name} {count:,} parameters · {config.data.name} {what}"
        f"{' ' if what else ''}{many} train / {len(splits.val)} val"
    )
