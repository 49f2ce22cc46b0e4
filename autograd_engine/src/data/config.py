"""What to train on: one dataclass, each field with the data sets that read it."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from .points import PointsName
from .transforms import AugmentConfig


DataName = Literal[
    "points", "digits", "idx", "image_folder", "table", "text", "sentiment"
]
CAN_DO_WITHOUT_ROOT = ("points", "digits", "sentiment")


@dataclass(frozen=True, slots=True)
class DataConfig:
    """What to train on; each field names the kinds of data that read it."""

    name: DataName = "digits"
    root: str = ""
    """Where the data is. idx, image_folder: a folder (or a .tar.gz of it); table: a CSV
    file; text: a text file; sentiment: a folder with train.tsv and test.tsv, empty for
    the made-up sentences; points, digits: not read."""
    batch_size: int = 64
    """Samples a step."""
    points: PointsName = "xor"
    """points: which set."""
    count: int = 2000
    """points, digits, sentiment without root: made-up training samples; validation and
    test have half as many each (points: as many)."""
    noise: float = 0.1
    """points: standard deviation of the moons."""
    val_size: int = 5000
    """idx, image_folder without val/, sentiment with root: training samples that are
    kept back to validate; at most a tenth of them is taken."""
    channels: int = 3
    """image_folder: 1 reads grey, 3 colour."""
    cache: str = "runs/cache"
    """image_folder: folder for the decoded images; empty for none."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """digits, idx, image_folder: how training images are varied."""
    target: str = "target"
    """table: the column with the class."""
    folds: int = 10
    """table: stratified parts of the rows."""
    fold: int = 0
    """table: the part that tests; the next one validates, the others train."""
    block: int = 64
    """text: characters a window."""
    epoch_windows: int = 0
    """text: windows an epoch, from random places; 0: one from every place."""
    val_windows: int = 0
    """text: windows that validate during training; 0: the whole validation part."""
    max_words: int = 20000
    """sentiment: size of the vocabulary; rarer words become unknown."""

    def __post_init__(self) -> None:
        least = dict.fromkeys(("batch_size", "block", "val_size"), 1)
        least |= {"epoch_windows": 0, "val_windows": 0, "noise": 0, "fold": 0}
        least |= {"count": 20, "folds": 3, "max_words": 3}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} = {getattr(self, name)}: must be >= {low}")
        if self.name not in get_args(DataName):
            raise ValueError(f"name = {self.name!r}: one of {get_args(DataName)}")
        if self.fold >= self.folds:
            raise ValueError(f"fold = {self.fold}: must be < folds = {self.folds}")
        if self.channels not in (1, 3):
            raise ValueError(f"channels = {self.channels}: must be 1 or 3")
        if self.name == "points" and self.points == "spiral" and self.count % 2:
            raise ValueError(f"count = {self.count}: must be even for the spiral")
        if not self.root and self.name not in CAN_DO_WITHOUT_ROOT:
            raise ValueError(f"root is empty: {self.name} needs the path of its data")
