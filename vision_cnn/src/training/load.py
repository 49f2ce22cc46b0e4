"""A trained model from its checkpoint, and the data that it was trained on."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from ..data import AugmentConfig, ImageSet, build_datasets
from ..data.info import DataInfo
from ..models import build_model
from ..utils.checkpoint import load_checkpoint, load_weights
from ..utils.config import from_dict
from ..utils.errors import InputError
from ..utils.run_dir import resolve
from .task import Config


class Loaded(NamedTuple):
    model: nn.Module
    """In evaluation mode, on the device, in the memory format of its training."""
    config: Config
    info: DataInfo
    content: dict[str, Any]
    """All of the checkpoint, the weights on the CPU."""


def load_model(checkpoint: Path | str, device: torch.device | str = "cpu") -> Loaded:
    """Build and load what `checkpoint` holds; the averaged weights where it has some.

    Raises InputError, one sentence, for a file that is damaged or of another program.
    """
    path = resolve(checkpoint)
    content = load_checkpoint(path)
    config = from_dict(Config, content["config"], f"{path}: config")
    info = from_dict(DataInfo, content["data"], f"{path}: data")
    _check_info(info, path)
    size = (info.height, info.width)
    try:
        model = build_model(config.model, info.in_channels, len(info.class_names), size)
    except ValueError as error:
        raise InputError(f"{path}: its model cannot be built: {error}") from None
    load_weights(model, content["model"], path)
    layout = torch.channels_last if config.train.channels_last else None
    model.to(device, memory_format=layout or torch.preserve_format)
    return Loaded(model.eval(), config, info, content)


def open_splits(config: Config, info: DataInfo) -> dict[str, ImageSet]:
    """The splits of a training, not augmented, as its model was trained to see them.

    Raises InputError for data that is not here, or has other classes or channels now.
    """
    splits = build_datasets(config.data, AugmentConfig(), config.seed)
    _require_same_kind(splits["train"].info, info)
    return {name: images.normalised_by(info) for name, images in splits.items()}


def run_folder(checkpoint: Path | str) -> Path | None:
    """The run that a checkpoint lies in, if it lies in one."""
    path = resolve(checkpoint)
    run = path.parent.parent
    in_run = path.parent.name == "checkpoints" and (run / "meta.json").exists()
    return run if in_run else None


def run_name(checkpoint: Path | str) -> str:
    """What a picture calls the model: its run, or the file where it lies in none."""
    path = resolve(checkpoint)
    return (run_folder(path) or path).resolve().name


def _check_info(info: DataInfo, path: Path) -> None:
    """Refuse what `from_dict` cannot see: numbers that do not fit each other."""
    classes, channels = len(info.class_names), info.in_channels
    whole = (
        channels in (1, 3)
        and min(info.height, info.width) > 0
        and classes > 0
        and len(set(info.class_names)) == classes
        and len(info.mean) == len(info.std) == channels
        and min(info.std) > 0
    )
    if not whole:
        raise InputError(
            f"{path}: data describes {channels} channels of {info.height}x{info.width} "
            f"with mean {list(info.mean)}, std {list(info.std)} and {classes} classes, "
            "which fits no training. Use another checkpoint of that run"
        )


def _require_same_kind(found: DataInfo, trained: DataInfo) -> None:
    """The classes and channels are those the model was trained on."""
    if found.class_names != trained.class_names:
        raise InputError(
            f"the data now has the classes {_some(found.class_names)}, the checkpoint "
            f"has {_some(trained.class_names)}. Restore the data, or train again"
        )
    if found.in_channels != trained.in_channels:
        raise InputError(
            f"the data now has {found.in_channels} channels, the checkpoint has "
            f"{trained.in_channels}. Restore the data, or train again"
        )


def _some(names: tuple[str, ...]) -> str:
    more = f", ... ({len(names)})" if names[8:] else ""
    return ", ".join(names[:8]) + more
