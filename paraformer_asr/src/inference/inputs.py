"""The recordings that `--input` names: files, and folders with all below them."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..utils.errors import InputError


SUFFIXES = (
    *(".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au"),
    *(".caf", ".w64", ".rf64", ".m4a", ".aac", ".wma", ".webm", ".mp4"),
)
"""Of files in a folder that are tried; the last five fail with what to do."""
_SEPARATE = re.compile(r"[,\n]")


class Recording(NamedTuple):
    path: Path
    name: Path
    """Below the folder that was named; of a file that was named itself its name."""


class Inputs(NamedTuple):
    recordings: list[Recording]
    """That are tried, each file once."""
    others: list[Path]
    """In the same folders, but of no type that audio has."""
    unreadable: dict[str, str]
    """Folders, and what in them is no file, and why."""


def list_inputs(sources: Sequence[Path]) -> Inputs:
    """What files and folders name, in natural order; folders with all below them.

    A file that is named itself is tried whatever its type is. Hidden files are left
    out, and links to folders not followed. Raises InputError for a path that there is
    not, or if there is no audio at all.
    """
    files: dict[Path, Recording] = {}  # by the path that was typed: each once
    others: dict[Path, None] = {}
    unreadable: dict[str, str] = {}
    for source in sources:
        if not source.is_dir():
            if not source.exists() and not source.is_symlink():
                raise InputError(f"--input {show(source)}: no such file or folder")
            files.setdefault(source, Recording(source, Path(source.name)))
            continue
        for path in _below(source, unreadable):
            if path.exists() and not path.is_file():  # reading a pipe may never end
                unreadable[str(path)] = "is no regular file"
            elif path.suffix.lower() in SUFFIXES:
                name = path.relative_to(source)
                files.setdefault(path, Recording(path, name))
            else:
                others[path] = None
    if not files and not unreadable:
        where = ", ".join(show(source) for source in sources) or "nothing"
        raise InputError(
            f"--input {where}: no audio there; the types are {' '.join(SUFFIXES)}"
        )
    return Inputs(list(files.values()), list(others), unreadable)


def read_hotwords(given: str) -> list[str]:
    """Phrases with commas between, or those of a file, a line each; raises InputError.

    A file's empty lines and lines that begin with # are left out.
    """
    text, path = given, Path(given)
    if given and (os.sep in given or path.suffix == ".txt" or _exists(path)):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is no text in UTF-8"
            raise InputError(f"--hotwords {show(given)}: {why}") from None
        text = "\n".join(x for x in text.splitlines() if not x.startswith("#"))
    phrases = [" ".join(phrase.split()) for phrase in _SEPARATE.split(text)]
    return list(dict.fromkeys(phrase for phrase in phrases if phrase))


def show(path: object) -> str:
    """A path as a message can hold it: on one line, without half characters."""
    text = str(path)
    return text if text.isprintable() else repr(text)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a phrase that is too long for a name
        return False


def _natural(path: Path) -> list[tuple[int, int | str]]:
    """A key that sorts `2.wav` before `10.wav`."""
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
