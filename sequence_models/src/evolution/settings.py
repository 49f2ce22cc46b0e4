"""The configuration of runs as a file, which may not change under them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..utils.atomic import write_atomically
from ..utils.errors import InputError


def keep_settings(path: Path, values: dict[str, Any], begun: Sequence[Path]) -> None:
    """Write `values` to `path`, `<name>.yaml`, for the runs `<name>-s<seed>`.

    Raises InputError where the runs `begun` were made with other settings.
    """
    text = yaml.safe_dump(values, sort_keys=False)
    if begun and path.exists() and path.read_text("utf-8") != text:
        raise InputError(
            f"{begun[0]} was made with other settings than {path.stem} has now (see "
            f"{path}); remove {begun[0].parent / path.stem}-s*, or choose another --out"
        )
    write_atomically(path, text.encode())
