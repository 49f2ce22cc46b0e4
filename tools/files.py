"""Files that are written whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace the file by the text."""
    replace_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def replace_whole(path: Path, make: Callable[[Path], object]) -> None:
    """Replace the file by what `make` writes at the path that it is given.

    A link stays one, and what is no file of ours to replace (a pipe, /dev/stdout) is
    written into.
    """
    if path.exists() and not path.is_file():
        make(path)
        return
    path = path.resolve()
    part = path.with_name(f".{os.getpid()}.{path.name}")  # keeps the suffix
    try:
        make(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
