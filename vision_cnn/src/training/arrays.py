"""A network trained on tensors that are in memory, without a run folder.

What `src.sklearn_api` is made of. The steps are the trainer's in small: its order of
the images, optimisers, schedules and losses; one process, float32, nothing is written.
"""

import copy
import math
import numbers
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from jaxtyping import Float, Float64, Int, Num
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..data import AugmentConfig, DataInfo, ImageSet
from ..data.arrays import Prepare, array_set, channel_moments
from ..data.dataloader import EpochBatches
from ..data.mixing import make_mixing
from ..losses import LossConfig
from ..losses.weighted import weighted_cross_entropy
from ..models import ModelConfig
from ..models.any_size import build_for_any_size
from ..utils.contracts import contract
from ..utils.errors import DivergedError
from ..utils.seed import keyed_rng
from ..utils.tensor_utils import to_device
from .batch_norm import fresh_statistics
from .optim import OptimConfig, build_optimizer, lr_at
from .progress import Progress
from .task import ClassificationTask


EVALUATED = 500
"""Images a batch where nothing is learned."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train."""

    model: ModelConfig
    loss: LossConfig
    optim: OptimConfig
    batch_size: int
    """At most: an epoch is cut into equal batches."""
    augment: AugmentConfig | None = None
    """Of bytes; None: images as they are."""
    patience: int = 0
    """Epochs without a gain of `min_gain` after which training ends; 0: none."""
    min_gain: float = 1e-3
    """In the validation loss."""

    def __post_init__(self):
        for name, least in (("batch_size", 1), ("patience", 0)):
            value = getattr(self, name)
            if not isinstance(value, numbers.Integral) or value < least:
                raise ValueError(f"{name} = {value}: must be an integer >= {least}")


class Learner:
    """A network for images like those it is made with, to be trained once or more.

    These images fix the channels, the size and the normalisation. All randomness is a
    function of `seed`; torch's own generator is left as it was.
    """

    def __init__(
        self,
        recipe: Recipe,
        images: Num[Tensor, "batch channel height width"],
        class_names: tuple[str, ...],
        seed: int,
        device: torch.device,
    ):
        self.recipe, self.seed, self.device = recipe, seed, device
        _, channels, *size = images.shape
        mean, std = channel_moments(images)
        self.info = DataInfo(channels, *size, class_names, mean, std, (), "")
        with self._own_random_numbers(0):
            self.model, self.size = build_for_any_size(
                recipe.model, channels, len(class_names), tuple(size)
            )
        self.seen = Prepare(self.info, self.size)
        if hasattr(self.model, "initialise_from"):
            first = images[:5000]
            self.model.initialise_from(self.seen(first, 0, torch.arange(len(first))))
        self.model.to(device).eval()
        self.task = WeightedTask(recipe.loss, self.info)
        self.optimizer = build_optimizer(recipe.optim, self.model)
        self.epochs_done = 0

    @contract
    def train(
        self,
        images: Num[Tensor, "batch channel height width"],
        labels: Int[Tensor, " batch"],
        weights: Float[Tensor, " batch"] | None,
        epochs: int,
        validation: tuple[Tensor, Tensor] | None = None,
    ) -> list[dict[str, float]]:
        """Whole epochs on the learning-rate schedule; a row of losses for each.

        Batch-norm statistics are then measured anew: few steps leave their running
        averages far behind. `validation` (images, labels) chooses the weights: those
        where its loss was lowest. With `patience` training ends on a plateau of it.
        """
        if epochs < 1:
            raise ValueError(f"n_epochs = {epochs}: must be > 0")
        rows, now, best = [], Progress(), None
        for number in range(epochs):
            rows.append({"loss": self.epoch(images, labels, weights, number, epochs)})
            if validation is None and number < epochs - 1:
                continue
            self._measure_statistics(array_set(images, labels, self.seen))
            if validation is None:
                break
            scores = self.evaluate(*validation)
            rows[-1] |= {f"val_{name}": value for name, value in scores.items()}
            if now.judge(scores["loss"], "min", self.recipe.min_gain):
                best = copy.deepcopy(self.model.state_dict())
            if 0 < self.recipe.patience <= now.waited:
                break
        if best is not None:
            self.model.load_state_dict(best)
        return rows

    @contract
    def epoch(
        self,
        images: Num[Tensor, "batch channel height width"],
        labels: Int[Tensor, " batch"],
        weights: Float[Tensor, " batch"] | None = None,
        number: int = 0,
        epochs: int = 0,
    ) -> float:
        """Epoch `number` of `epochs`, or one at the full rate; gives the mean loss.

        Raises DivergedError before an update by what is not finite.
        """
        n, optim = len(images), self.recipe.optim
        size = n // math.ceil(n / self.recipe.batch_size)
        batches = EpochBatches(n, size, seed=self.seed, epoch=self.epochs_done)
        augment = self.recipe.augment
        prepare = Prepare(self.info, self.size, augment, self.seed, n)
        mixing = make_mixing(augment, self.seed, n) if augment else None
        if mixing and weights is not None:
            raise ValueError("images that mixup or cutmix blends take no sample_weight")
        dataset, total = array_set(images, labels, prepare, mixing), 0.0
        with self._own_random_numbers(1, self.epochs_done):
            for step, keys in enumerate(batches, number * len(batches)):
                rate = lr_at(optim, step, epochs * len(batches)) if epochs else optim.lr
                for group in self.optimizer.param_groups:
                    group["lr"] = rate * group.get("lr_scale", 1.0)
                batch = dataset.__getitems__(keys)
                if weights is not None:
                    batch["weight"] = weights[[index for _, index in keys]]
                total += self._step(to_device(batch, self.device))
        self.epochs_done += 1
        self.model.eval()
        return total / len(batches)

    @contract
    def evaluate(
        self,
        images: Num[Tensor, "batch channel height width"],
        labels: Int[Tensor, " batch"],
    ) -> dict[str, float]:
        """Loss and metrics over all images."""
        sums: dict[str, Tensor] = {}
        for batch in self._batches(array_set(images, labels, self.seen)):
            with torch.no_grad():
                counts = self.task.evaluate(self.model, batch)
            for name, value in counts.items():
                sums[name] = sums.get(name, 0) + value.cpu().double()
        return self.task.metrics(sums)

    @contract
    def probabilities(
        self, images: Num[Tensor, "batch {self.info.in_channels} height width"]
    ) -> Float64[Tensor, "batch {self.model.classes}"]:
        """How likely each class is."""
        blank = torch.zeros(len(images), dtype=torch.long)
        parts = []
        for batch in self._batches(array_set(images, blank, self.seen)):
            with torch.no_grad():
                parts.append(self.model(batch["image"]).double().softmax(1).cpu())
        return torch.cat(parts)

    @contextmanager
    def _own_random_numbers(self, *key: int) -> Iterator[None]:
        """Inside, torch draws by our seed; afterwards it goes on as if nothing were."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(int(keyed_rng(self.seed, *key).integers(2**62)))
            yield

    @torch.no_grad()
    def _measure_statistics(self, dataset: ImageSet) -> None:
        if len(dataset) == 1:  # has no deviation
            return
        batches = EpochBatches(len(dataset), EVALUATED, seed=self.seed, epoch=0)
        with fresh_statistics(self.model):
            for keys in islice(batches, 10):
                batch = to_device(dataset.__getitems__(keys), self.device)
                self.model(batch["image"])

    def _batches(self, dataset: ImageSet) -> Iterator[dict[str, Any]]:
        for first in range(0, len(dataset), EVALUATED):
            last = min(first + EVALUATED, len(dataset))
            keys = [(0, i) for i in range(first, last)]
            yield to_device(dataset.__getitems__(keys), self.device)

    def _step(self, batch: dict[str, Any]) -> float:
        self.model.train()
        if len(batch["target"]) == 1:  # no batch to normalise by: what was seen before
            for module in self.model.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        loss = self.task.loss(self.model, batch, 0.0)
        loss.backward()
        weights = [p for p in self.model.parameters() if p.grad is not None]
        norm = nn.utils.get_total_norm([p.grad for p in weights])
        if not (loss.isfinite() and norm.isfinite()):
            rate = self.optimizer.param_groups[0]["lr"]
            raise DivergedError(
                f"the loss is {loss.item()} and its gradient's norm {norm.item()} at a "
                f"learning rate of {rate:.1e}; lower lr"
            )
        if self.recipe.optim.clip:
            nn.utils.clip_grads_with_norm_(weights, self.recipe.optim.clip, norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item()


class WeightedTask(ClassificationTask):
    """Batches may carry a "weight" for each image."""

    def _loss(self, logits: Tensor, batch: dict[str, Any]) -> Tensor:
        if "weight" not in batch:
            return super()._loss(logits, batch)
        return weighted_cross_entropy(
            logits, batch["target"], batch["weight"], self.config.label_smoothing
        )
