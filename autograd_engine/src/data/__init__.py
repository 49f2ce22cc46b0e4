"""Data by name: `open_data(DataConfig(...), seed)`; everything here is numpy."""

from .config import DataConfig, DataName
from .dataloader import Batch, batches, count_batches, epoch_order, pad_batch
from .dataset import ArrayDataset, fingerprint
from .inputs import read_inputs
from .points import PointsName, make_points
from .sources import OPENERS, Splits
from .text import decode, encode
from .transforms import AugmentConfig


__all__ = [
    "ArrayDataset",
    "AugmentConfig",
    "Batch",
    "DataConfig",
    "DataName",
    "PointsName",
    "Splits",
    "batches",
    "count_batches",
    "decode",
    "encode",
    "epoch_order",
    "fingerprint",
    "make_points",
    "open_data",
    "pad_batch",
    "read_inputs",
]


def open_data(config: DataConfig, seed: int) -> Splits:
    """Training, validation and test set, what a model must know of them, fingerprint.

    The test set is never used to choose. Raises InputError for missing or damaged data.
    """
    return OPENERS[config.name](config, seed)
