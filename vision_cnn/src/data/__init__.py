"""Data by name: `build_datasets(DataConfig(...), AugmentConfig(...), seed)`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from ..utils.errors import InputError
from .augment import Augment, AugmentConfig
from .image_set import ImageSet
from .info import DataInfo
from .labels import check_names
from .mixing import make_mixing
from .moments import moments
from .source import Labelled, Source
from .splits import stratified_folds, stratified_split
from .toy_config import ToyConfig


__all__ = [
    "AugmentConfig",
    "DataConfig",
    "DataInfo",
    "ImageSet",
    "Labelled",
    "Source",
    "ToyConfig",
    "build_datasets",
    "open_source",
]


@dataclass(frozen=True, slots=True)
class DataConfig:
    name: Literal["toy_patterns", "idx", "cifar", "image_folder", "npz"] = (
        "toy_patterns"
    )
    root: str = ""
    """Folder, archive or .npz file; not used by toy_patterns."""
    class_names: tuple[str, ...] = ()
    """Of idx and npz, whose files hold numbers only; default: the numbers."""
    size: int = 0
    """Side in pixels that an image_folder is scaled and cut to; 0: as the files are."""
    channels: int = 3
    """Of an image_folder: 1 grey, 3 RGB."""
    cache: str = "runs/cache"
    """Folder for the decoded images of an image_folder; empty: decode each time."""
    val_share: float = 0.1
    """Share of the training images held out where the data has no part "val"."""
    folds: int = 0
    """0: one held-out share. K: the training images in K parts, of which..."""
    fold: int = 0
    """...this one is held out, 0 to K - 1."""
    batch_size: int = 128
    """Images a batch, over all processes of a torchrun job."""
    workers: int = 0
    """Loader processes; 0 loads in the trainer."""
    toy: ToyConfig = field(default_factory=ToyConfig)
    """Read by toy_patterns."""

    def __post_init__(self):
        if self.batch_size < 1:
            raise ValueError(f"batch_size = {self.batch_size}: must be > 0")
        if self.workers < 0:
            raise ValueError(f"workers = {self.workers}: must be >= 0")
        if self.size < 0:
            raise ValueError(f"size = {self.size}: must be >= 0")
        if self.size and self.name != "image_folder":
            toy = "; use data.toy.size" if self.name == "toy_patterns" else ""
            raise ValueError(f"size = {self.size}: {self.name} does not read it{toy}")
        if self.channels not in (1, 3):
            raise ValueError(f"channels = {self.channels}: must be 1 or 3")
        if not 0 < self.val_share < 1:
            raise ValueError(
                f"val_share = {self.val_share}: must lie between 0 and 1, without them"
            )
        if self.folds == 1 or self.folds < 0:
            raise ValueError(f"folds = {self.folds}: must be 0, or 2 and more")
        if not 0 <= self.fold < max(self.folds, 1):
            raise ValueError(f"fold = {self.fold}: must be from 0 to folds - 1")


def build_datasets(
    config: DataConfig, augment: AugmentConfig, seed: int
) -> dict[str, ImageSet]:
    """The splits "train", "val" and, where there is one, "test"; each has `.info`."""
    source = open_source(config, seed)
    check_names(config.root or config.name, source.class_names)
    parts = _with_validation(source.parts, config, seed)
    info = _describe(parts["train"], source)
    count = len(parts["train"].labels)
    mixing = make_mixing(augment, seed, count)
    seen = Augment(AugmentConfig(), info, seed, count)
    datasets = {name: ImageSet(part, info, seen) for name, part in parts.items()}
    varied = Augment(augment, info, seed, count)
    return datasets | {"train": ImageSet(parts["train"], info, varied, mixing)}


def open_source(config: DataConfig, seed: int) -> Source:
    """What the files of `config` hold; raises InputError for what cannot be read."""
    if config.name != "toy_patterns" and not config.root:
        raise InputError(
            f"data.root is empty: data.name = {config.name} needs to know where the "
            "files are; set data.root=PATH"
        )
    # Imported here, for `python -m src.data.toy_patterns` runs a module not yet loaded.
    if config.name == "toy_patterns":
        from .toy_patterns import open_toy

        return open_toy(config.toy, seed)
    if config.name == "idx":
        from .idx import open_idx

        return open_idx(config.root, config.class_names)
    if config.name == "cifar":
        from .cifar import open_cifar

        return open_cifar(config.root)
    if config.name == "npz":
        from .npz import open_npz

        return open_npz(config.root, config.class_names)
    from .image_folder import open_image_folder

    cache = Path(config.cache) if config.cache else None
    return open_image_folder(config.root, config.size, config.channels, cache)


def _with_validation(
    parts: dict[str, Labelled], config: DataConfig, seed: int
) -> dict[str, Labelled]:
    train = parts["train"]
    if config.folds:
        folds = stratified_folds(train.labels, config.folds, seed)
        held_out = folds[config.fold]
        kept = torch.cat([f for i, f in enumerate(folds) if i != config.fold]).sort()[0]
    elif "val" in parts:
        return parts
    else:
        kept, held_out = stratified_split(train.labels, config.val_share, seed)
        if not len(held_out):
            raise InputError(
                f"data.root = {config.root}: no class has two images, so none can be "
                "held out for validation; add images or a part val/"
            )
    return {**parts, "train": train.choose(kept), "val": train.choose(held_out)}


def _describe(train: Labelled, source: Source) -> DataInfo:
    mean, std = moments(train.images)
    _, channel, height, width = train.images[torch.tensor([0])].shape
    counts = torch.bincount(train.labels, minlength=len(source.class_names))
    return DataInfo(
        channel,
        height,
        width,
        source.class_names,
        tuple(mean),
        tuple(std),
        tuple(counts.tolist()),
        source.fingerprint,
    )
