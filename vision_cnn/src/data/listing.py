"""The images that `--input` names: files, and folders with all below them."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..utils.errors import InputError
from .images import SUFFIXES
from .names import show


class Inputs(NamedTuple):
    files: list[Path]
    """That are tried."""
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


def _natural(path: Path) -> list[tuple[int, int | str]]:
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
    return sorted(found, key=_natural)
