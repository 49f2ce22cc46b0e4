"""A training that can go back: the trainer's own steps, and every frame's state kept.

Frame n is a function of the settings and of the rates that led to it: which batch a
step sees is counted, nothing is drawn from a global generator. So a page may ask for
any frame again, and one that goes on from an earlier one gets what it would have got.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from ..data import AugmentConfig, DataConfig, ImageSet, ToyConfig, build_datasets
from ..data.augment import Augment
from ..data.source import Labelled
from ..explain.feature_maps import layers_across
from ..models import ModelConfig, build_model
from ..training.optim import OptimConfig
from ..training.progress import Progress, TrainConfig
from ..training.stage import Stage
from ..training.state import State
from ..training.task import ClassificationTask, Config, Setup
from ..training.trainer import Trainer
from ..utils.distributed import Ranks
from ..utils.errors import DivergedError, InputError
from ..utils.tensor_utils import to_device
from .scored import part_of, shrunk


MODELS: dict[str, dict[str, Any]] = {
    "simple_cnn": {"widths": (8, 16, 32, 32)},
    "fast_cnn": {"widths": (8, 16, 32)},
    "lenet5": {},
    "resnet20": {"width": 0.5},
}
"""Small enough to be watched."""
TRAINED, JUDGED = 960, 120
"""Images that it learns from, and those on which each frame is judged."""
SIDE = 32
"""Pixels of the longer side, to which larger images are shrunk."""
FRAMES = 200
LAYERS = 3
"""Whose feature maps a frame shows."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a live training is told; the defaults learn the toys in 200 steps."""

    data: Literal["toy_patterns", "checkpoint"] = "toy_patterns"
    """`checkpoint`: a part of the images that the opened one was trained on."""
    model: Literal["simple_cnn", "fast_cnn", "lenet5", "resnet20"] = "simple_cnn"
    optimiser: Literal["muon", "adamw", "sgd"] = "muon"
    batch: int = 32
    """2 to 128."""
    steps: int = 3
    """Between two frames, 1 to 10."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("batch", 2, 128), ("steps", 1, 10), ("seed", 0, 2**32 - 1),
        ):  # fmt: skip
            if not low <= getattr(self, name) <= high:
                value = getattr(self, name)
                raise ValueError(f"{name} = {value}: must be from {low} to {high}")


@dataclass(frozen=True, slots=True)
class Kept:
    """The training at a frame: enough to go on from it."""

    rate: float
    """Of the steps that led to it; 0 for the first."""
    loss: float | None
    """Mean over these steps, of each batch before its step."""
    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    progress: Progress
    judged: dict[str, float]
    confusion: Tensor


class Live(Trainer):
    """Frames of one training, made when they are asked for."""

    def __init__(
        self,
        settings: Settings,
        trained: Config | None = None,
        splits: dict[str, ImageSet] | None = None,
    ):
        """`trained` and `splits` are those of the checkpoint whose data is used."""
        self.settings = settings
        config = config_of(settings, trained)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1000 * settings.seed)  # as `seed_everything` does
            data = splits or build_datasets(config.data, AugmentConfig(), config.seed)
            setup = _build_on(config, data)
        setup.model.to(memory_format=torch.channels_last)
        state = State(config, {}, setup.model, Ranks())
        super().__init__(config, setup.task, setup.datasets, state, None, Ranks(), True)
        part = part_of(setup.datasets, "val", JUDGED)
        keys = [(0, index) for index in part.indices.tolist()]
        self.judged = to_device(part.dataset.__getitems__(keys), "cpu", True)
        self.layers = layers_across(state.model, self.judged["image"][:1], LAYERS)
        with _one_thread():
            self.kept = [self._keep(0.0, None)]

    def at(self, number: int, rates: list[float]) -> Kept:
        """Frame `number` of the training whose frame n was reached at rates[n - 1].

        Frames that another rate led to are forgotten; the model is as at this frame.
        """
        with _one_thread():
            return self._at(number, rates)

    def _at(self, number: int, rates: list[float]) -> Kept:
        same = 1
        while same <= min(number, len(self.kept) - 1):
            if self.kept[same].rate != rates[same - 1]:
                del self.kept[same:]
                break
            same += 1
        self._restore(self.kept[min(number, len(self.kept) - 1)])
        while len(self.kept) <= number:
            rate = rates[len(self.kept) - 1]
            self.kept.append(self._keep(rate, self._advance(rate)))
        return self.kept[number]

    def _advance(self, rate: float) -> float:
        """The steps to the next frame; gives the mean of their losses."""
        flat = replace(self.config.optim, lr=rate)
        self.stages.all, total = [Stage("", 0, flat)], 0.0
        self.state.model.train()
        for _ in range(self.settings.steps):
            try:
                total += self._step(iter([self._next_batch()]))[0]
            except DivergedError:
                step = self.state.progress.step + 1
                raise InputError(
                    f"step {step}: the loss or a gradient is not a finite number; a "
                    f"rate of {rate:g} is too much here. Go back and lower it"
                ) from None
        return total / self.settings.steps

    def _next_batch(self) -> dict[str, Any]:
        now = self.state.progress
        batches = self._batches(now.batch)
        if not len(batches):
            now.epoch, now.batch = now.epoch + 1, 0
            batches = self._batches(0)
        return self.datasets["train"].__getitems__(next(iter(batches)))

    def _keep(self, rate: float, loss: float | None) -> Kept:
        state = self.state
        with torch.no_grad():
            sums = self.task.evaluate(state.model.eval(), self.judged)
        weights = {k: v.detach().clone() for k, v in state.model.state_dict().items()}
        return Kept(
            rate,
            loss,
            weights,
            copy.deepcopy(state.optimizer.state_dict()),
            copy.copy(state.progress),
            self.task.metrics(sums),
            sums["confusion"],
        )

    def _restore(self, kept: Kept) -> None:
        self.state.model.load_state_dict(kept.weights)
        self.state.optimizer.zero_grad(set_to_none=True)  # of a step that failed
        self.state.optimizer.load_state_dict(copy.deepcopy(kept.optimiser))
        self.state.progress = copy.copy(kept.progress)


@contextmanager
def _one_thread() -> Iterator[None]:
    """So small a network only waits for other threads, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def config_of(settings: Settings, trained: Config | None = None) -> Config:
    """What scripts/train.py would be told to train the same."""
    toy = DataConfig(toy=ToyConfig(n_train=TRAINED, n_val=JUDGED, n_test=1))
    data = trained.data if trained else toy
    momentum = 0.6 if settings.optimiser == "muon" else 0.9
    return Config(
        seed=settings.seed,
        data=replace(data, batch_size=settings.batch, workers=0),
        model=ModelConfig(settings.model, **MODELS[settings.model]),
        optim=OptimConfig(
            settings.optimiser, momentum=momentum, schedule="constant", warmup=0.0
        ),
        train=TrainConfig(epochs=10**6),
    )


def _build_on(config: Config, splits: dict[str, ImageSet]) -> Setup:
    """As `task.build` does it, of some of the images that are open already."""
    datasets = {
        "train": _some(splits["train"], TRAINED),
        "val": _some(splits["val"], JUDGED),
    }
    info = datasets["train"].info
    size, classes = (info.height, info.width), len(info.class_names)
    try:
        model = build_model(config.model, info.in_channels, classes, size)
    except ValueError as error:
        raise InputError(f"{config.model.name}: {error}; choose another") from None
    if hasattr(model, "initialise_from"):
        pixels = datasets["train"].images
        model.initialise_from(info.normalise(pixels.float() / 255))
    task = ClassificationTask(config.loss, info)
    return Setup(model, task, datasets, {}, config.model.name)


def _some(images: ImageSet, count: int) -> ImageSet:
    """A part of a split, its images shrunk where they are large."""
    indices = part_of({"": images}, "", count).indices
    pixels = torch.cat([shrunk(images.images[few], SIDE) for few in indices.split(100)])
    height, width = pixels.shape[2:]
    info = replace(images.info, height=height, width=width)
    names = [str(images.names[i]) for i in indices.tolist()]
    labelled = Labelled(pixels, images.labels[indices], names)
    return ImageSet(labelled, info, Augment(AugmentConfig(), info, 0, len(names)))
