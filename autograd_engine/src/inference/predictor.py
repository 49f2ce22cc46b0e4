"""A trained model from its checkpoint alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import nn
from ..models import build_model
from ..training.task import ClassificationTask, Config
from ..utils.checkpoint import load_checkpoint, load_weights
from ..utils.config import from_dict
from ..utils.errors import InputError
from ..utils.run_dir import resolve


@dataclass(frozen=True, slots=True)
class Predictor:
    """The model, ready to be used, and what it must know of its data."""

    model: nn.Module
    config: Config
    info: dict[str, Any]
    fingerprint: str
    device: str
    run: Path | None
    """The run folder that the checkpoint lies in, if it lies in one."""

    @property
    def task(self) -> ClassificationTask:
        return ClassificationTask(self.info)


def load_predictor(checkpoint: Path, device: str = "cpu") -> Predictor:
    """Read the weights that were judged; raises InputError for any other file."""
    path = resolve(checkpoint)
    content = load_checkpoint(path)
    config = from_dict(Config, content["config"], str(path))
    try:
        info = content["data"]["info"]
        model = build_model(config.model, info, config.seed)
        fingerprint = str(content["data"]["fingerprint"])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(
            f"{path} does not say what its model is for ({error!r}). Use another one"
        ) from None
    load_weights(model, content["model"], path)
    run = path.parent.parent
    inside = path.parent.name == "checkpoints" and (run / "meta.json").exists()
    model = model.to(device).eval()
    return Predictor(model, config, info, fingerprint, device, run if inside else None)


def output_folder(predictor: Predictor, out: Path | None, name: str) -> Path:
    """`out`, or the folder `name` of the run; made if missing. Raises InputError."""
    folder = out or (predictor.run or Path()) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"--out {folder} cannot be written: {error.strerror}. Choose another"
        ) from None
    return folder
