"""The images that a checkpoint is scored on: a split of its data, or folders."""

import copy
from dataclasses import dataclass, field
from pathlib import Path

from torch.utils.data import Dataset

from ..data import DataConfig, build_datasets
from ..data.augment import AugmentConfig
from ..data.folder import Folder
from ..data.images import show
from ..data.info import DataInfo
from ..data.mask_values import format_value
from ..data.survey import survey_folder
from ..utils.config import from_dict
from ..utils.errors import InputError
from .predictor import Predictor


@dataclass(slots=True)
class Source:
    name: str
    """Of the split, or of the folder."""
    description: str
    dataset: Dataset
    train: Dataset | None
    """Without augmentation, to tune baselines on; None if it is not at hand."""
    notes: list[str] = field(default_factory=list)


def open_source(
    predictor: Predictor,
    split: str = "",
    images: Path | None = None,
    masks: Path | None = None,
    mask_suffix: str = "",
) -> Source:
    """Open `split` of the checkpoint's own data, or the folders `images` and `masks`.

    No split means test, or val where the data has no test. Raises InputError.
    """
    if images or masks:
        if not (images and masks):
            raise InputError("--images and --masks belong together; give both folders")
        if split:
            raise InputError(
                f"--split {split} belongs to the checkpoint's own data; leave it out"
            )
        return _open_folders(predictor, images, masks, mask_suffix)
    config = predictor.config
    data = from_dict(DataConfig, config.get("data", {}), "checkpoint: data")
    augment = from_dict(AugmentConfig, config.get("augment", {}), "checkpoint: augment")
    _require_folders(data)
    parts = build_datasets(data, augment, config.get("seed", 0))
    notes = []
    if not split:
        split = "test" if "test" in parts else "val"
        if split == "val":
            notes.append(
                "this data has no test split; val chose the checkpoint, so it flatters"
            )
    if split not in parts:
        raise InputError(f"--split {split}: this data has {', '.join(parts)}")
    _require_same_classes(parts[split].info, predictor.info)
    if parts[split].info.fingerprint != predictor.info.fingerprint:
        notes.append(
            "the data has changed since the training: its files have other contents"
        )
    parts["train"] = without_augmentation(parts["train"])
    description = data.folder.images if data.name == "folder" else data.name
    return Source(split, description, parts[split], parts["train"], notes)


def without_augmentation(dataset: Dataset) -> Dataset:
    """A training set that gives each image once, as it is."""
    plain = copy.copy(dataset)
    for name, value in (("augment", None), ("transform", None), ("repeat", 1)):
        if hasattr(plain, name):
            setattr(plain, name, value)
    return plain


def _open_folders(
    predictor: Predictor, images: Path, masks: Path, suffix: str
) -> Source:
    """All pairs of two folders, with the classes and channels of the checkpoint."""
    info = predictor.info
    named = dict(zip(info.mask_values, info.class_names, strict=True))
    survey = survey_folder(images, masks, suffix, named, ignore=info.ignore_value)
    survey.require_no_fault()
    if survey.channels > info.in_channels:
        raise InputError(
            f"{show(images)}: has colour images, the model was trained on grey ones. "
            "Convert them first"
        )
    dataset = Folder(survey.scans, info, seed=0)
    notes = ["blur and threshold left out: it needs the training images"]
    return Source(images.resolve().name, str(images), dataset, None, notes)


def _require_folders(data: DataConfig) -> None:
    """Say which folder of the configuration is not on this machine, and what to do."""
    if data.name != "folder":
        return
    for path in (data.folder.images, data.folder.masks):
        if not Path(path).is_dir():
            raise InputError(
                f"{show(path)}: no such folder; the checkpoint was trained on it. Run "
                "where it is, or give others: --images DIR --masks DIR"
            )


def _require_same_classes(found: DataInfo, trained: DataInfo) -> None:
    if (
        found.mask_values != trained.mask_values
        or found.in_channels != trained.in_channels
    ):
        raise InputError(
            f"the data has {found.in_channels} channels and mask values "
            f"{_values(found)}, the checkpoint has {trained.in_channels} and "
            f"{_values(trained)}. Give such data: --images DIR --masks DIR"
        )


def _values(info: DataInfo) -> str:
    return " ".join(format_value(value) for value in info.mask_values)
