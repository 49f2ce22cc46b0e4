"""A trained model from its checkpoint, with tokenizer and front end."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from .. import tokenizers
from ..audio.front_end import FrontEnd
from ..data import Opened, open_data
from ..tokenizers import Tokenizer
from ..utils.checkpoint import load_checkpoint, load_weights
from ..utils.config import from_dict
from ..utils.errors import InputError
from ..utils.logging import log
from ..utils.run_dir import resolve
from .task import Config, make_model


class Loaded(NamedTuple):
    model: nn.Module
    """In evaluation mode, on the device."""
    config: Config
    tokenizer: Tokenizer
    front_end: FrontEnd
    content: dict[str, Any]
    """All of the checkpoint, the weights on the CPU."""


def load_model(checkpoint: Path | str, device: torch.device | str = "cpu") -> Loaded:
    """Build and load what `checkpoint` holds; the averaged weights where it has some.

    Raises InputError, one sentence, for a file that is damaged or of another program.
    """
    path = resolve(checkpoint)
    content = load_checkpoint(path)
    config = from_dict(Config, content["config"], f"{path}: config")
    data = content["data"]
    try:
        tokenizer = tokenizers.from_dict(data["tokenizer"])
        front_end = FrontEnd.from_dict(data["front_end"], f"{path}: front_end")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: its tokenizer or front end cannot be read: {error!r}. Use "
            "another checkpoint of that run"
        ) from None
    model = make_model(config, tokenizer.vocab_size)
    load_weights(model, content["model"], path)
    return Loaded(model.to(device).eval(), config, tokenizer, front_end, content)


def reopen_data(loaded: Loaded) -> Opened:
    """The splits of a training, heard and written as its model was trained to.

    Raises InputError for data that is not here; warns where it is other data now.
    """
    config, trained = loaded.config, (loaded.tokenizer, loaded.front_end)
    opened = open_data(
        config.data, config.features, config.tokenizer, config.seed, trained
    )
    if opened.fingerprint != loaded.content["data"].get("fingerprint"):
        log.warning(
            f"the data is not what the checkpoint was trained with: {opened.title}. "
            "What is held out now may have been trained on"
        )
    return opened


def run_folder(checkpoint: Path | str) -> Path | None:
    """The run that a checkpoint lies in, if it lies in one."""
    path = resolve(checkpoint)
    run = path.parent.parent
    in_run = path.parent.name == "checkpoints" and (run / "meta.json").exists()
    return run if in_run else None
