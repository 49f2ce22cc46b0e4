"""What inference writes: no file of the user replaced, none half written."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data.names import show
from ..utils.errors import InputError
from ..utils.plots import write_bytes
from ..utils.run_dir import to_json


def leave_out_own(files: Sequence[Path], sheet: Path) -> list[Path]:
    """`files` without the contact sheet that an earlier call wrote among them.

    Raises InputError if an image of the user has its name.
    """
    place = os.path.realpath(sheet)  # copes with a loop of links
    own = [file for file in files if os.path.realpath(file) == place]
    if own and not sheet.with_name("predictions.json").exists():
        raise InputError(
            f"--out {show(sheet.parent)}: {sheet.name} would replace an input image; "
            "choose another folder"
        )
    return [file for file in files if file not in own]


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write `rows`, whose keys are alike, in one step."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, file.getvalue().encode("utf-8", "surrogateescape"))


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write strict JSON in one step; what is no finite number becomes null."""
    write_bytes(path, (to_json(content, indent=1) + "\n").encode("utf-8"))
