"""The configuration of runs as a file, which may not change under them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..utils.atomic import write_atomically
from ..utils.errors import InputError


def runs_of(folder: Path, name: str) -> list[Path]:
    """The folders `<name>-s<seed>`, finished or not."""
    kind = re.compile(rf"{re.escape(name)}-s\d+")
    return sorted(run for run in folder.glob("*-s*") if kind.fullmatch(run.name))


def keep_settings(path: Path, values: dict[str, Any], begun: Sequence[Path]) -> None:
    """Write `values` to `path` for runs of the name of the file.

    Raises InputError where the runs `begun` were made with other settings.
    """
    text = yaml.safe_dump(values, sort_keys=False)
    if begun and path.exists() and path.read_text("utf-8") != text:
        old = begun[0] if len(begun) == 1 else begun[0].parent / f"{path.stem}-s*"
        raise InputError(
            f"{begun[0]} was made with other settings than {path.stem} has now (see "
            f"{path}); remove {old}, or choose another --out"
        )
    write_atomically(path, text.encode())
