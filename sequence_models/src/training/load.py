"""A trained model from its checkpoint, with the tokenizer that it was trained with."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from .. import tokenizers
from ..data import Opened, TextInfo
from ..tokenizers import Tokenizer
from ..utils.checkpoint import load_checkpoint, load_weights
from ..utils.config import from_dict
from ..utils.errors import InputError
from ..utils.logging import log
from ..utils.run_dir import resolve
from .task import Config, make_model, open_for


class Loaded(NamedTuple):
    model: nn.Module
    """In evaluation mode, on the device."""
    config: Config
    info: TextInfo
    tokenizer: Tokenizer
    content: dict[str, Any]
    """All of the checkpoint, the weights on the CPU."""


def load_model(checkpoint: Path | str, device: torch.device | str = "cpu") -> Loaded:
    """Build and load what `checkpoint` holds; the averaged weights where it has some.

    Raises InputError, one sentence, for a file that is damaged or of another program.
    """
    path = resolve(checkpoint)
    content = load_checkpoint(path)
    config = from_dict(Config, content["config"], f"{path}: config")
    data = dict(content["data"])
    try:
        tokenizer = tokenizers.from_dict(data.pop("tokenizer"))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: its tokenizer cannot be read: {error}") from None
    info = from_dict(TextInfo, data, f"{path}: data")
    if info.vocab != tokenizer.vocab_size:
        raise InputError(
            f"{path}: its tokenizer has {tokenizer.vocab_size} tokens, its model "
            f"{info.vocab}. Use another checkpoint of that run"
        )
    model = make_model(config, info.vocab, len(info.class_names))
    load_weights(model, content["model"], path)
    return Loaded(model.to(device).eval(), config, info, tokenizer, content)


def reopen_data(loaded: Loaded) -> Opened:
    """The splits of a training, cut by the tokenizer of the checkpoint.

    Raises InputError for data that is not here, or has other classes now; warns where
    it is another text.
    """
    config = loaded.config
    opened = open_for(config, loaded.tokenizer)
    if opened.info.class_names != loaded.info.class_names:
        raise InputError(
            f"the data now has the classes {', '.join(opened.info.class_names)}, the "
            f"checkpoint has {', '.join(loaded.info.class_names)}. Restore the data, "
            "or train again"
        )
    if opened.info.fingerprint != loaded.info.fingerprint:
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
