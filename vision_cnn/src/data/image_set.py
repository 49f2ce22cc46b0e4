"""Images and labels as batches: augmented, normalised and mixed all at once.

Whole batches are made from uint8 memory by a few tensor operations; a per-image dataset
spends its time in Python (tests/benchmarks/benchmark_pipeline.py has the ratio).
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from .augment import Augment, AugmentConfig
from .info import DataInfo
from .mixing import Mixing
from .source import Labelled


class ImageSet(Dataset):
    """One split. A sample is a pure function of (epoch, index) and the seed."""

    def __init__(
        self,
        labelled: Labelled,
        info: DataInfo,
        augment: Augment,
        mixing: Mixing | None = None,
    ):
        self.images, self.labels, self.names = labelled
        self.info, self.augment, self.mixing = info, augment, mixing

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
        return {name: value[0] for name, value in self.__getitems__([key]).items()}

    def __getitems__(self, keys: list[tuple[int, int]]) -> dict[str, Any]:
        """The batch of these (epoch, index), all of one epoch.

        `image` float (batch channel height width), `target` int64 (batch), `name`; with
        mixing also `partner`, the second label, and `share`, the weight of the first.
        """
        epoch = keys[0][0]
        indices = torch.tensor([index for _, index in keys])
        batch = {
            "image": self._images(epoch, indices),
            "target": self.labels[indices],
            "name": [self.names[index] for _, index in keys],
        }
        if self.mixing:
            self._mix(batch, epoch, indices)
        return batch

    def normalised_by(self, info: DataInfo) -> "ImageSet":
        """The images as they are, normalised as a model was trained to see them.

        Their own mean is another where the files have changed since then.
        """
        info = replace(self.info, mean=info.mean, std=info.std)
        augment = Augment(AugmentConfig(), info, 0, len(self))
        return ImageSet(Labelled(self.images, self.labels, self.names), info, augment)

    @staticmethod
    def collate(batch: dict[str, Any]) -> dict[str, Any]:
        """Nothing is left to do for what `__getitems__` has made."""
        return batch

    def _images(self, epoch: int, indices: Tensor) -> Tensor:
        return self.augment(self.images[indices], epoch, indices)

    def _mix(self, batch: dict[str, Any], epoch: int, indices: Tensor) -> None:
        plan = self.mixing.plan(epoch, indices)
        partners = self._images(epoch, plan.partners)
        batch["image"], batch["share"] = plan.blend(batch["image"], partners)
        batch["partner"] = self.labels[plan.partners]
