"""What is trained here: a network that gives each image a class."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import AugmentConfig, DataConfig, DataInfo, ImageSet, build_datasets
from ..losses import LossConfig
from ..losses.sam import sharpness_aware_loss
from ..metrics import accuracy, confusion_matrix, f1, macro, top_k_correct
from ..models import ModelConfig, build_model
from ..models.summary import describe
from ..utils.errors import InputError
from ..utils.pictures import Judged, gallery
from .optim import OptimConfig
from .progress import TrainConfig


@dataclass(frozen=True, slots=True)
class Config:
    seed: int = 0
    """Of the weights, the order, the augmentation, the held-out part and the toys."""
    debug: bool = False
    """Print activations and gradients of the first batch; stop where a NaN is made."""
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self):
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed = {self.seed}: must be between 0 and {2**32 - 1}")


class ClassificationTask:
    """Loss and metrics of logits against one class an image."""

    def __init__(self, config: LossConfig, info: DataInfo):
        self.config, self.info = config, info
        self.top_k = 5 if len(info.class_names) > 5 else 0

    @property
    def names(self) -> list[str]:
        """Of the numbers that `metrics` gives."""
        return ["loss", "accuracy", *(["top5"] if self.top_k else []), "macro_f1"]

    def loss(self, model: nn.Module, batch: dict[str, Any], progress: float) -> Tensor:
        try:
            return self._training_loss(model, batch)
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise InputError(
                "data.batch_size: batch norm finds one value a channel in a batch of "
                f"{len(batch['target'])} image of this size; make it larger"
            ) from None

    def _training_loss(self, model: nn.Module, batch: dict[str, Any]) -> Tensor:
        if self.config.sam_rho and torch.is_grad_enabled():
            compute = lambda net: self._loss(net(batch["image"]), batch)  # noqa: E731
            return sharpness_aware_loss(model, compute, self.config.sam_rho)
        return self._loss(model(batch["image"]), batch)

    def evaluate(self, model: nn.Module, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Sums over the images: loss, number, confusion matrix, true class among 5."""
        logits, target = model(batch["image"]).float(), batch["target"]
        sums = {
            "loss": F.cross_entropy(logits, target, reduction="sum"),
            "images": torch.tensor(len(logits)),
            "confusion": confusion_matrix(
                logits.argmax(1), target, len(self.info.class_names)
            ),
        }
        if self.top_k:
            sums["top5"] = top_k_correct(logits, target, self.top_k).sum()
        return sums

    def metrics(self, sums: dict[str, Tensor]) -> dict[str, float]:
        confusion = sums["confusion"].long()
        values = {
            "loss": (sums["loss"] / sums["images"]).item(),
            "accuracy": accuracy(confusion),
            "macro_f1": macro(f1(confusion)),
        }
        if self.top_k:
            values["top5"] = (sums["top5"] / sums["images"]).item()
        return {name: values[name] for name in self.names}

    def _loss(self, logits: Tensor, batch: dict[str, Any]) -> Tensor:
        """Cross entropy; of mixed images the mean of both labels by their shares."""
        smooth = self.config.label_smoothing
        if "partner" not in batch:
            return F.cross_entropy(logits, batch["target"], label_smoothing=smooth)
        first, second = (
            F.cross_entropy(
                logits, batch[label], reduction="none", label_smoothing=smooth
            )
            for label in ("target", "partner")
        )
        return torch.lerp(second, first, batch["share"].to(first.dtype)).mean()


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a config means, ready to be trained."""

    model: nn.Module
    task: ClassificationTask
    datasets: dict[str, ImageSet]
    data: dict[str, Any]
    """Plain values for the checkpoint, under the key "data"."""

    title: str


WHITENED = 5000
"""Training images that a first convolution may be computed from."""


def build(config: Config) -> Setup:
    """Open the data and build the model; raises InputError for what cannot be."""
    datasets = build_datasets(config.data, config.augment, config.seed)
    info = datasets["train"].info
    task = ClassificationTask(config.loss, info)
    if config.train.monitor not in task.names:
        raise InputError(
            f"train.monitor = {config.train.monitor}: this data has "
            f"{', '.join(task.names)}"
        )
    size, classes = (info.height, info.width), len(info.class_names)
    try:
        model = build_model(config.model, info.in_channels, classes, size)
        title = _title(config, datasets)
    except InputError:  # of a file that the title was read from
        raise
    except ValueError as error:
        raise InputError(f"model: {error}") from None
    if hasattr(model, "initialise_from"):
        model.initialise_from(_first_images(datasets["train"]))
    return Setup(model, task, datasets, asdict(info), title)


def _first_images(dataset: ImageSet) -> Tensor:
    """Evenly spaced training images, normalised but not augmented."""
    chosen = torch.linspace(0, len(dataset) - 1, min(len(dataset), WHITENED)).long()
    return dataset.info.normalise(dataset.images[chosen].float() / 255)


def _title(config: Config, datasets: dict[str, ImageSet]) -> str:
    """The model and its counts for one training image, the data, the classes."""
    train, info = datasets["train"], datasets["train"].info
    size, names = (info.height, info.width), info.class_names
    with torch.device("meta"):  # shapes without numbers: nothing is computed
        hollow = build_model(config.model, info.in_channels, len(names), size)
        counts = describe(hollow, info.in_channels, *size)
    shown = ", ".join(names[:10]) + (f", ... ({len(names)})" if names[10:] else "")
    return (
        f"{config.model.name} {counts} · {config.data.name} {len(train)} train / "
        f"{len(datasets['val'])} val · classes {shown}"
    )


@torch.no_grad()
def draw_predictions(
    setup: Setup, device: torch.device, path: Path, run: str = "", count: int = 24
) -> None:
    """Picture of validation images, the surest mistakes first."""
    dataset, info = setup.datasets["val"], setup.task.info
    model, names, items = setup.model.eval(), info.class_names, []
    for start in range(0, min(len(dataset), 1000), 250):
        keys = [(0, i) for i in range(start, min(start + 250, len(dataset)))]
        batch = dataset.__getitems__(keys)
        probability, guess = model(batch["image"].to(device)).softmax(1).max(1)
        shown = info.restore(batch["image"])
        for i, name in enumerate(batch["name"]):
            true, predicted = names[batch["target"][i]], names[guess[i]]
            items.append(Judged(name, shown[i], true, predicted, float(probability[i])))
    right = sum(item.true == item.predicted for item in items)
    items.sort(key=lambda item: (item.true == item.predicted, -item.probability))
    title = f"{run} · val, {right} of {len(items)} right, worst first".lstrip(" ·")
    gallery(items[:count], path, title)
