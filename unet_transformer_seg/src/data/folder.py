"""A data set from a folder of images and a folder of masks."""

import hashlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..utils.errors import InputError
from .augment import Augment, AugmentConfig, augment_rng
from .images import read_mask, read_pixels, show, to_unit
from .info import DataInfo
from .mask_values import parse_mask_values, widen
from .pairs import Pair
from .splits import split_indices
from .survey import Scan, Survey, classes_of, survey_folder


@dataclass(frozen=True, slots=True)
class FolderConfig:
    """Where images and masks are, what mask values mean, which samples validate."""

    images: str = ""
    """Folder of PNG, JPEG or TIFF; a relative path starts at the working folder."""
    masks: str = ""
    """Folder of masks; may be the same one if `mask_suffix` is set."""
    mask_suffix: str = ""
    """The mask of a.jpg is a + mask_suffix + any image type."""
    class_names: tuple[str, ...] = ()
    """Names for the mask values found, in ascending order; not with `mask_values`."""
    mask_values: dict[str, str] = field(default_factory=dict)
    """Mask value (255, or 255,0,0 in RGB) -> class name; the first one is class 0."""
    ignore: tuple[int, ...] | None = None
    """The mask value that counts nowhere: [255], or [255, 255, 255] in RGB."""
    split: Literal["random", "contiguous"] = "random"
    """contiguous: the last names validate; for slices and video (alike neighbours)."""
    val_share: float = 0.2
    """Above 0, below 1."""
    test_share: float = 0.0
    """0 for none; below 1."""
    folds: int = 0
    """At least 2 for cross-validation, 0 for none; then `val_share` is not read."""
    fold: int = 0
    """Which fold validates, from 0."""
    repeat: int = 1
    """Samples per training image and epoch, each augmented anew."""

    def __post_init__(self) -> None:
        values = parse_mask_values(self.mask_values)
        if values and self.class_names:
            raise ValueError(
                "class_names is for masks without mask_values; leave it out"
            )
        if len(set(self.class_names)) < len(self.class_names):
            raise ValueError(f"class_names has a name twice: {self.class_names}")
        if self.ignore is not None and len(self.ignore) not in (1, 3):
            raise ValueError(
                f"ignore must be [v] or [r, g, b], got {list(self.ignore)}"
            )
        if self.ignore is not None and self.ignore in values:
            raise ValueError(
                f"ignore is also a class of mask_values: {list(self.ignore)}"
            )
        for name, low in (("val_share", False), ("test_share", True)):
            share = getattr(self, name)
            if not (0 < share < 1 or (low and share == 0)):
                raise ValueError(
                    f"{name} must lie in {'[' if low else '('}0, 1), got {share}"
                )
        if self.val_share + self.test_share >= 1 and not self.folds:
            raise ValueError("val_share and test_share leave nothing to train on")
        if self.folds < 0 or self.folds == 1:
            raise ValueError(f"folds must be 0 or at least 2, got {self.folds}")
        if not 0 <= self.fold < max(1, self.folds):
            raise ValueError(f"fold must be below folds={self.folds}, got {self.fold}")
        if self.repeat < 1:
            raise ValueError(f"repeat must be at least 1, got {self.repeat}")


class Folder(Dataset):
    """One split; an item is a pure function of (seed, epoch, index)."""

    def __init__(
        self,
        scans: list[Scan],
        info: DataInfo,
        seed: int,
        augment: Augment | None = None,
        repeat: int = 1,
    ) -> None:
        self.info = info
        self.seed = seed
        self.augment = augment
        self.repeat = repeat
        self.pairs = [scan.pair for scan in scans]
        self.paths = [pair.image for pair in self.pairs]
        self.sizes = [scan.shape[:2] for scan in scans]
        self.cached = [self._decoded(scan) for scan in scans]

    def __len__(self) -> int:
        return len(self.pairs) * self.repeat

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
        epoch, index = key
        number = index % len(self.pairs)
        image, target = self.sample(number)
        if self.augment is not None:
            rng = augment_rng(self.seed, epoch, index)
            image, target = self.augment(image, target, rng)
        image = self.info.normalise(image)
        return {"image": image, "target": target, "name": self.pairs[number].name}

    def sample(self, index: int) -> tuple[Tensor, Tensor]:
        """The image (CHW in [0, 1]) and target (HW) of one file, not augmented."""
        pixels, classes = self.cached[index] or self._read(self.pairs[index])
        return to_unit(pixels, self.info.in_channels), torch.from_numpy(classes).long()

    def _decoded(self, scan: Scan) -> tuple[np.ndarray, np.ndarray] | None:
        """Pixels and classes, None where the survey had no room for them."""
        if scan.pixels is None or scan.mask is None:
            return None
        return scan.pixels, self._classes(scan.pair, scan.mask)

    def _read(self, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
        return read_pixels(pair.image), self._classes(pair, read_mask(pair.mask))

    def _classes(self, pair: Pair, mask: np.ndarray) -> np.ndarray:
        values, ignore = self.info.mask_values, self.info.ignore_value
        return classes_of(pair.mask, mask, values, ignore)


def open_folder(
    config: FolderConfig, seed: int, augment: AugmentConfig | None = None
) -> dict[str, Folder]:
    """Splits train, val and, if asked for, test; only train is augmented and repeated.

    Raises InputError with the first fault of the data; `scripts/check_data.py` lists
    all.
    """
    survey = survey_config(config)
    survey.require_no_fault()
    parts = split_config(config, len(survey.scans), seed)
    splits = {name: [survey.scans[i] for i in part] for name, part in parts.items()}
    augment = augment or AugmentConfig()
    _check_sizes(splits["train"], augment.crop)
    info = _info(survey, splits["train"])
    return {
        name: Folder(scans, info, seed, Augment(augment), config.repeat)
        if name == "train"
        else Folder(scans, info, seed)
        for name, scans in splits.items()
    }


def survey_config(config: FolderConfig) -> Survey:
    """Read the folders that `config` names; raises InputError where it names none."""
    for key in ("images", "masks"):
        if not getattr(config, key):
            raise InputError(
                f"data.folder.{key} is not set; give the folder of {key}: "
                f"data.folder.{key}=DIR for train.py, --{key} DIR for check_data.py"
            )
    return survey_folder(
        Path(config.images),
        Path(config.masks),
        config.mask_suffix,
        parse_mask_values(config.mask_values),
        config.class_names,
        config.ignore,
    )


def split_config(config: FolderConfig, count: int, seed: int) -> dict[str, list[int]]:
    """`split_indices` with the settings of `config`."""
    return split_indices(
        count,
        config.split,
        seed,
        config.val_share,
        config.test_share,
        config.folds,
        config.fold,
    )


def _info(survey: Survey, train: list[Scan]) -> DataInfo:
    """What the model must know; statistics of the training images only."""
    channels = survey.channels
    moments = sum(np.broadcast_to(scan.moments, (2, channels)) for scan in train)
    pixels = sum(math.prod(scan.shape[:2]) for scan in train)
    mean, squares = moments / pixels
    std = np.sqrt(np.maximum(squares - mean**2, 0))
    std[std < 1e-6] = 1.0  # a constant channel stays finite
    width = len(next(iter(survey.classes)))
    counts = [{widen(v, width): n for v, n in s.counts.items()} for s in train]
    files = sorted((scan.pair.name, *scan.digests) for scan in survey.scans)
    return DataInfo(
        in_channels=channels,
        class_names=tuple(survey.classes.values()),
        mask_values=tuple(survey.classes),
        ignore_value=survey.ignore,
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        class_pixels=tuple(sum(c.get(v, 0) for c in counts) for v in survey.classes),
        fingerprint=hashlib.sha256(repr(files).encode()).hexdigest(),
    )


def _check_sizes(train: list[Scan], crop: int) -> None:
    """Images of a batch must be equal in size."""
    sizes = {scan.shape[:2]: scan for scan in train}
    if len(sizes) > 1 and not crop:
        (first, a), (second, b) = list(sizes.items())[:2]
        raise InputError(
            f"{show(a.pair.image)} is {first[1]}x{first[0]} but {show(b.pair.image)} "
            f"is {second[1]}x{second[0]}; images of a batch need one size: set "
            "augment.crop, such as augment.crop=256"
        )
