# pattern: app/checkpoints.py -- the same in every sub-project; edit one, then: python -m tools.copies sync app/checkpoints.py --from <sub-project>
"""Checkpoints: which is shown if none is named, which others there are, NaN in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.errors import InputError
from .page import as_array


def newest_checkpoint(runs: Path = Path("runs")) -> Path | None:
    """`best` of runs/latest, else of the last trained run; None if there is none."""
    latest = [path for path in runs.glob("latest/checkpoints/best.*") if _is_one(path)]
    return next(iter(latest or find_checkpoints(runs)), None)


def find_checkpoints(runs: Path = Path("runs")) -> list[Path]:
    """`best` of every run below `runs`, the last trained first."""
    found = [
        path
        for path in runs.glob("*/checkpoints/best.*")
        if _is_one(path) and path.parts[-3] != "latest"
    ]
    return sorted(found, key=lambda path: (-path.stat().st_mtime, path))


def _is_one(path: Path) -> bool:
    return path.suffix in (".pt", ".npz") and path.is_file()


def check_finite(weights: Mapping[str, Any], path: Path) -> None:
    """Raise InputError if a weight is NaN or infinite: nothing could be shown of it."""
    for name, value in weights.items():
        array = as_array(value)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(
                f"{path}: {name} holds values that are not finite, so its training has "
                "failed; choose another checkpoint"
            )
