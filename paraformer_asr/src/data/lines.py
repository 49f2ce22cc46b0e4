"""Lines of a text file with their numbers, and errors that name both."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from ..utils.errors import InputError


LONGEST = 1 << 20
"""Bytes of a line; what is longer is no line of a list of recordings."""


def read_lines(path: Path, what: str) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, from 1, one in memory at a time.

    Raises InputError for a file that cannot be read, or is not UTF-8, or has a line of
    more than a million bytes. `what` says what was expected.
    """
    try:
        with open(path, "rb") as file:
            number = 0
            while line := file.readline(LONGEST + 1):
                number += 1
                if len(line) > LONGEST:
                    raise InputError(
                        f"{path}:{number}: the line has more than {LONGEST:,} bytes. "
                        f"Give {what}"
                    )
                if text := _decode(line, path, number, what).strip():
                    yield number, text
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Give {what}") from None


def _decode(line: bytes, path: Path, number: int, what: str) -> str:
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}:{number}: byte {error.start + 1} is not UTF-8. Give {what}"
        ) from None
