"""What is trained here: a network that gives each pixel a class."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..data import AugmentConfig, DataConfig, DataInfo, build_datasets
from ..losses import LossConfig, build_loss
from ..metrics import confusion_matrix, dice, iou, mean_valid, pixel_accuracy
from ..models import ModelConfig, build_model
from ..models.count import describe
from ..utils.errors import InputError
from ..utils.pictures import Judged, gallery
from .optim import OptimConfig
from .progress import TrainConfig


@dataclass(frozen=True, slots=True)
class Config:
    seed: int = 0
    """Of the weights, the order, the augmentation and the toy data."""
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


class SegmentationTask:
    """Loss and metrics of logits against class indices."""

    def __init__(self, config: LossConfig, info: DataInfo):
        self.info = info
        self.loss_fn = build_loss(config, info.class_pixels)

    def loss(self, model: nn.Module, batch: dict[str, Any], progress: float) -> Tensor:
        return self.loss_fn(model(batch["image"]), batch["target"], progress)

    def evaluate(self, model: nn.Module, batch: dict[str, Any]) -> dict[str, Tensor]:
        """The summed loss of the images, their number, and the confusion matrix."""
        logits = model(batch["image"])
        images = torch.tensor(len(logits))
        return {
            "loss": self.loss_fn(logits, batch["target"], 1.0) * len(logits),
            "images": images,
            "confusion": confusion_matrix(
                logits.argmax(1), batch["target"], len(self.info.class_names)
            ),
        }

    def metrics(self, sums: dict[str, Tensor]) -> dict[str, float]:
        confusion = sums["confusion"].long()
        names = self.info.class_names
        per_class = zip(names, iou(confusion).tolist(), strict=True)
        return {
            "loss": (sums["loss"] / sums["images"]).item(),
            "miou": mean_valid(iou(confusion))[0],
            "mdice": mean_valid(dice(confusion))[0],
            "pixel_accuracy": pixel_accuracy(confusion).item(),
            **{f"iou/{name}": value for name, value in per_class},
        }


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a config means, ready to be trained."""

    model: nn.Module
    task: SegmentationTask
    datasets: dict[str, Any]
    data: dict[str, Any]
    """Plain values for the checkpoint, under the key "data"."""

    title: str


def build(config: Config) -> Setup:
    """Open the data and build the model; raises InputError for what cannot be."""
    datasets = build_datasets(config.data, config.augment, config.seed)
    info: DataInfo = datasets["train"].info
    names = ["loss", "miou", "mdice", "pixel_accuracy"]
    names += [f"iou/{name}" for name in info.class_names]
    if config.train.monitor not in names:
        raise InputError(
            f"train.monitor = {config.train.monitor}: this data has {', '.join(names)}"
        )
    try:
        model = build_model(config.model, info.in_channels, len(info.class_names))
        title = _title(config, datasets)
    except InputError:  # of a file that the title was read from
        raise
    except ValueError as error:
        raise InputError(f"model: {error}") from None
    task = SegmentationTask(config.loss, info)
    return Setup(model, task, datasets, asdict(info), title)


def _title(config: Config, datasets: dict[str, Any]) -> str:
    """The model and its counts for one training image, the data, the classes."""
    train, classes = datasets["train"], datasets["train"].info.class_names
    channels, height, width = train[(0, 0)]["image"].shape
    with torch.device("meta"):  # shapes without numbers: nothing is computed
        hollow = build_model(config.model, channels, len(classes))
        counts = describe(hollow, channels, height, width)
    return (
        f"{config.model.name} {counts} · {config.data.name} {len(train)} train / "
        f"{len(datasets['val'])} val · classes {', '.join(classes)}"
    )


@torch.no_grad()
def draw_predictions(
    setup: Setup, device: torch.device, path: Path, run: str = "", count: int = 8
) -> None:
    """Picture of the first validation images, worst first, errors in colour."""
    dataset, info, items = setup.datasets["val"], setup.task.info, []
    model = setup.model.eval()
    for i in range(min(count, len(dataset))):
        sample = dataset[(0, i)]
        pred = model(sample["image"][None].to(device)).argmax(1).cpu()
        target = sample["target"]
        scores = iou(confusion_matrix(pred, target[None], len(info.class_names)))
        image = info.restore(sample["image"]).clamp(0, 1)
        score = mean_valid(scores)[0]
        items.append(Judged(sample["name"], score, image, pred[0], target))
    names = info.class_names
    gallery(
        items,
        path,
        positive=1 if len(names) == 2 else None,
        title=f"{run} · val, the first {len(items)} images, worst first".lstrip(" ·"),
        score_name="mIoU",
        class_names=names,
    )
