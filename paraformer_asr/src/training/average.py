"""The mean of the weights of several checkpoints of one run (Izmailov et al. 2018)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..utils.checkpoint import load_checkpoint, save_checkpoint
from ..utils.errors import InputError
from .state import kept_epochs


def average_checkpoints(paths: Sequence[Path], out: Path) -> None:
    """Write to `out` a checkpoint with the mean of the evaluated weights.

    Floating tensors are averaged in double precision; counts are those of the last
    checkpoint. Raises InputError for checkpoints of different models.
    """
    contents = [load_checkpoint(path) for path in paths]
    last = contents[-1]
    for path, content in zip(paths, contents, strict=True):
        for key in ("model", "tokenizer", "front_end"):
            one, other = _kind(content, key), _kind(last, key)
            if one != other:
                raise InputError(
                    f"{path} and {paths[-1]} differ in their {key}; average "
                    "checkpoints of one run"
                )
    mean = {
        name: _mean([content["model"][name] for content in contents])
        for name in last["model"]
    }
    content = {key: last[key] for key in ("config", "data", "progress") if key in last}
    out.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(out, content | {"kind": "weights", "metrics": {}, "model": mean})


def newest_epochs(run: Path, count: int) -> list[Path]:
    """The last `count` epochs that a run has kept; raises InputError for too few."""
    kept = kept_epochs(run)
    if len(kept) < count:
        raise InputError(
            f"{run} has kept {len(kept)} epochs, and {count} are asked for; train with "
            f"train.keep={count}"
        )
    return kept[-count:]


def _mean(tensors: list[torch.Tensor]) -> torch.Tensor:
    if not tensors[-1].is_floating_point():
        return tensors[-1]
    return torch.stack([t.double() for t in tensors]).mean(0).to(tensors[-1].dtype)


def _kind(content: dict[str, Any], key: str) -> Any:
    if key != "model":
        return content["data"].get(key)
    shapes = {name: tensor.shape for name, tensor in content["model"].items()}
    return content["config"].get("model"), shapes
