"""Which files are read and written: no input hidden, no output half written."""

import csv
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..data.images import SUFFIXES
from ..data.names import show
from ..utils.errors import InputError
from ..utils.plots import write_bytes
from ..utils.run_dir import to_json


class Inputs(NamedTuple):
    files: list[Path]
    """To be predicted."""
    others: list[Path]
    """In the same folders, but of no type that images have."""
    unreadable: dict[str, str]
    """Folders, and why."""


def list_inputs(sources: Sequence[Path]) -> Inputs:
    """What files and folders name, in natural order; folders with all below them.

    A file that is named itself is tried whatever its type is. Hidden files are left
    out, and links to folders not followed. Raises InputError for a path that there is
    not, or if there is no image at all.
    """
    files: dict[Path, None] = {}  # a set that keeps the order
    others: dict[Path, None] = {}
    unreadable: dict[str, str] = {}
    for source in sources:
        if not source.is_dir():
            if not source.exists() and not source.is_symlink():
                raise InputError(f"--input {show(source)}: no such file or folder")
            files[source] = None
            continue
        for path in _below(source, unreadable):
            (files if path.suffix.lower() in SUFFIXES else others)[path] = None
    if not files and not unreadable:
        where = ", ".join(show(source) for source in sources) or "nothing"
        raise InputError(
            f"--input {where}: no image there; the types are {' '.join(SUFFIXES)}"
        )
    return Inputs(list(files), list(others), unreadable)


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


def natural(path: Path) -> list[tuple[int, int | str]]:
    """A key that sorts `2.png` before `10.png`."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def _below(folder: Path, unreadable: dict[str, str]) -> list[Path]:
    """All files under `folder`; notes the folders that cannot be listed."""
    found: list[Path] = []

    def note(error: OSError) -> None:
        unreadable[str(error.filename)] = f"cannot be read ({error.strerror})"

    for here, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(here, name) for name in names if not name.startswith(".")]
    return sorted(found, key=natural)
