"""Checkpoints that are whole, plain and harmless, or refused in one sentence.

A checkpoint is a dict of arrays and plain values in the form of `archive.py`. Its keys:
kind ("weights" or "training"), config, data, model, and for a run that can be resumed
weights, optimizer, progress and rng as well; others are allowed.
"""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .archive import save, unpack
from .errors import InputError
from .logging import log


SCHEMA = 1
PROJECT = "autograd_engine"
LAST, PREVIOUS, BEST = "last.npz", "last-1.npz", "best.npz"
"""The files in the folder `checkpoints` of a run."""

_KEYS: dict[str, dict[str, type]] = {
    "weights": {"kind": str, "config": dict, "data": dict, "model": dict}
}
_KEYS["training"] = _KEYS["weights"] | {
    "weights": dict, "optimizer": dict, "progress": dict, "rng": dict
}  # fmt: skip


class Model(Protocol):
    """What has weights: `src.nn.Module`, which this layer must not import."""

    def state_dict(self) -> dict[str, np.ndarray]: ...

    def load_state_dict(self, state: dict[str, np.ndarray]) -> Any: ...


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write `content` whole or not at all; raises FaultError when the disk is full.

    Adds schema and project. Raises TypeError if a value is not an array or plain: a
    numpy float would save well and come back as something else.
    """
    save({"schema": SCHEMA, "project": PROJECT, **content}, path)


def load_checkpoint(
    path: Path, kind: str | None = None, *, project: str = PROJECT
) -> dict[str, Any]:
    """The content of a checkpoint; raises InputError, one sentence, for any other file.

    `kind` "training" asks for one that can be resumed.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(
            f"{path} is a folder; name a file, such as {path}/checkpoints/{BEST}"
        )
    if not path.exists():
        raise InputError(f"{path}: no such checkpoint. {_whats_there(path)}")
    return _check_content(path, unpack(path), kind, project)


def load_latest(folder: Path, kind: str = "training") -> tuple[dict[str, Any], Path]:
    """The newest whole checkpoint of `folder` and its path.

    It is `last.npz`, else, with a warning, `last-1.npz`; raises InputError if neither
    can be used.
    """
    last, previous = Path(folder) / LAST, Path(folder) / PREVIOUS
    try:
        return load_checkpoint(last, kind), last
    except InputError as error:
        if not previous.exists():
            raise
        log.warning(f"{error} Resuming from {previous} instead.")
        return load_checkpoint(previous, kind), previous


def load_weights(model: Model, weights: dict[str, np.ndarray], path: Path) -> None:
    """Load a state dict; raises InputError for the first array that does not fit."""
    own = model.state_dict()
    for name in [*own, *weights]:
        if name not in weights or name not in own:
            which = "lacks" if name not in weights else "has the unknown"
            raise InputError(
                f"{path} {which} array {name}: it belongs to another model. "
                "Leave out overrides to use the checkpoint's own configuration."
            )
        if _kind(own[name]) != _kind(weights[name]):
            raise InputError(
                f"{path}: {name} is {_kind(weights[name])}, the model here has "
                f"{_kind(own[name])}. Use the checkpoint's own configuration."
            )
    model.load_state_dict(weights)


def _kind(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return f"a {type(value).__name__}"
    return f"{list(value.shape)} {value.dtype}"


def _check_content(
    path: Path, content: Any, kind: str | None, project: str
) -> dict[str, Any]:
    if not isinstance(content, dict) or not {"schema", "project"} <= content.keys():
        raise InputError(f"{path} was not written by {project}: its keys are missing.")
    made_by, schema = _shown(content["project"]), content["schema"]
    if made_by != project:
        raise InputError(f"{path} was made by {made_by}; this is {project}.")
    if type(schema) is not int or schema != SCHEMA:
        raise InputError(
            f"{path} has schema {_shown(schema)}, this version reads {SCHEMA}. "
            "Update the code, or train again."
        )
    resumable = _shown(content.get("kind")) == "training"
    for key, types in _KEYS["training" if resumable else "weights"].items():
        if not isinstance(content.get(key), types):
            what = "is of the wrong type" if key in content else "is missing"
            raise InputError(f"{path} is no whole checkpoint: {key} {what}.")
    if kind and content["kind"] != kind:
        raise InputError(
            f"{path} holds {content['kind']} only and cannot be resumed. "
            f"Resume from {path.with_name(LAST)}"
        )
    return content


def _shown(value: Any) -> str:
    """A text or a number in a few characters, the type of anything else."""
    known = type(value) is str or (type(value) is int and abs(value) < 10**9)
    return f"{value!s:.40}" if known else type(value).__name__


def _whats_there(path: Path) -> str:
    if path.is_relative_to("runs/latest") and not Path("runs/latest").exists():
        return "No run has been made in runs/ yet: python scripts/train.py --config ..."
    names = sorted(p.name for p in path.parent.glob("*.npz"))
    return f"{path.parent}/ has: {', '.join(names) or 'no checkpoints'}"
