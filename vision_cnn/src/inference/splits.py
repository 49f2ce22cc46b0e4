"""The images that a checkpoint is scored on: a split of the data it was trained on."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from ..data import ImageSet
from ..data.info import DataInfo
from ..training.load import open_splits
from ..utils.errors import InputError
from .predictor import Predictor


class Split(NamedTuple):
    name: str
    dataset: ImageSet
    notes: list[str]
    """What a reader of the scores must know."""


def open_split(predictor: Predictor, split: str = "") -> Split:
    """Open `split` as it is, without augmentation; empty: test, or val without a test.

    Raises InputError for data that is not here, or is not what the model knows.
    """
    parts = open_splits(predictor.config, predictor.info)
    chosen = split or ("test" if "test" in parts else "val")
    if chosen not in parts:
        raise InputError(f"--split {split}: this data has {', '.join(parts)}")
    if not len(parts[chosen]):
        raise InputError(f"--split {chosen}: this data has no image there")
    return Split(chosen, parts[chosen], _notes(chosen, parts, predictor.info))


def batches(dataset: ImageSet, size: int) -> Iterator[dict[str, Any]]:
    """All images in their order, `size` at a time."""
    for start in range(0, len(dataset), size):
        stop = min(start + size, len(dataset))
        yield dataset.__getitems__([(0, index) for index in range(start, stop)])


def same_images(one: ImageSet, other: ImageSet, same_files: bool) -> bool:
    """Whether two sets hold the same images in the same order.

    Of the `same_files` the names decide: models may read them at different sizes.
    """
    if not torch.equal(one.labels, other.labels):
        return False
    if list(one.names) != list(other.names):
        return False
    return same_files or all(
        torch.equal(one.images[part], other.images[part])
        for part in torch.arange(len(one)).split(1000)
    )


def _notes(split: str, parts: dict[str, ImageSet], trained: DataInfo) -> list[str]:
    notes = []
    if split == "test":
        notes.append("test is for the end: choose between models by --split val")
    elif split == "train":
        notes.append("the model was fitted to these images; others it sees worse")
    elif "test" in parts:
        notes.append("val chose the checkpoint, so it flatters; --split test does not")
    else:
        notes.append("val chose the checkpoint, so it flatters; there is no test split")
    if parts["train"].info.fingerprint != trained.fingerprint:
        notes.append("the files have changed since the training")
    return notes
