"""Files that are written whole or not at all."""

import os
import re
import sys
import tempfile
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
    if (stream := _stream(path)) is not None:
        _write_into(stream, path.name, make)
        return
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


def _stream(path: Path) -> int | None:
    """The number of an open file that the path stands for, such as /dev/stdout."""
    names = {"/dev/stdout": 1, "/dev/stderr": 2}
    number = re.fullmatch(
        r"/dev/fd/(\d{1,9})|/proc/self/fd/(\d{1,9})", name := str(path)
    )
    return int(number[1] or number[2]) if number else names.get(name)


def _write_into(stream: int, name: str, make: Callable[[Path], object]) -> None:
    """After all that was printed, which a file that `>` made holds as well."""
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / name
        make(part)
        sys.stdout.flush()
        with open(os.dup(stream), "wb") as file:
            file.write(part.read_bytes())
