"""Data by name: `build_datasets(DataConfig(...), AugmentConfig(...), seed)`."""

from dataclasses import dataclass, field
from typing import Literal

from torch.utils.data import Dataset

from .augment import Augment, AugmentConfig
from .folder import FolderConfig, open_folder
from .info import IGNORE_INDEX, DataInfo
from .toy import ToyConfig


__all__ = [
    "IGNORE_INDEX",
    "AugmentConfig",
    "DataConfig",
    "DataInfo",
    "FolderConfig",
    "ToyConfig",
    "build_datasets",
]


@dataclass(frozen=True, slots=True)
class DataConfig:
    name: Literal["toy_shapes", "toy_cue", "folder"] = "toy_shapes"
    batch_size: int = 16
    """Images a batch, over all processes of a torchrun job."""
    workers: int = 0
    """Loader processes; 0 loads in the trainer."""
    toy: ToyConfig = field(default_factory=ToyConfig)
    """Read by toy_shapes and toy_cue."""
    folder: FolderConfig = field(default_factory=FolderConfig)
    """Read by folder."""

    def __post_init__(self):
        if self.batch_size < 1:
            raise ValueError(f"batch_size = {self.batch_size}: must be > 0")
        if self.workers < 0:
            raise ValueError(f"workers = {self.workers}: must be >= 0")


def build_datasets(
    config: DataConfig, augment: AugmentConfig, seed: int
) -> dict[str, Dataset]:
    """The splits "train", "val" and, where there is one, "test"; each has `.info`."""
    if config.name == "folder":
        return open_folder(config.folder, seed, augment)
    # Imported here, for `python -m src.data.toy_shapes` runs a module not yet loaded.
    from .toy_cue import ToyCue
    from .toy_shapes import ToyShapes

    toy = ToyCue if config.name == "toy_cue" else ToyShapes
    return {
        "train": toy(config.toy, "train", seed, Augment(augment)),
        "val": toy(config.toy, "val", seed),
        "test": toy(config.toy, "test", seed),
    }
