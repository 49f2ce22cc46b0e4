"""Texts that a person wants something done with."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import NamedTuple

from ..data.text import read_text
from ..utils.errors import InputError


STDIN = Path("-")
ROWS = (".csv", ".jsonl")
"""Endings of files whose texts do not follow one another."""


class Given(NamedTuple):
    place: str
    """file:line, as it is named in a message."""
    text: str


def read_given(prompt: str | None, source: Path | None) -> Given | None:
    """One text: the prompt, or all of a file, or of stdin for `-`; None for neither."""
    if prompt is not None and source is not None:
        raise InputError("give --prompt or --input, not both")
    if source is None:
        return None if prompt is None else Given("--prompt", _checked(prompt))
    return Given("stdin" if source == STDIN else str(source), _read(source))


def one_by_one(given: Given | None) -> list[Given]:
    """Its texts: of a .csv the column text, of .jsonl the key, else lines.

    Empty lines are left out. Raises InputError if there is no text at all.
    """
    if given is None:
        raise InputError("say what to read: --input FILE, --input - or --prompt TEXT")
    if given.place == "--prompt":
        return [given]
    kind = Path(given.place).suffix.lower()
    if kind == ".csv":
        rows = _csv_texts(given)
    elif kind == ".jsonl":
        rows = _json_texts(given)
    else:
        rows = [
            Given(f"{given.place}:{number}", line.rstrip("\r"))
            for number, line in enumerate(given.text.split("\n"), 1)
            if line.strip()
        ]
    if not rows:
        raise InputError(f"{given.place}: there is no text in it")
    return rows


def _checked(prompt: str) -> str:
    """As it is; of bytes that were no UTF-8 the system has made surrogates."""
    return _decode(prompt.encode("utf-8", "surrogateescape"), "--prompt")


def _read(source: Path) -> str:
    if source != STDIN:
        return read_text(source)
    return _decode(sys.stdin.buffer.read(), "stdin").removeprefix("\ufeff")


def _decode(data: bytes, place: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = f"byte {data[error.start]:02x} at offset {error.start}"
        raise InputError(f"{place}: {wrong} is not UTF-8") from None


def _csv_texts(given: Given) -> list[Given]:
    reader = csv.DictReader(io.StringIO(given.text, newline=""), strict=True)
    rows = []
    try:
        if "text" not in (reader.fieldnames or ()):
            raise InputError(
                f"{given.place}: the header is {','.join(reader.fieldnames or ())!r}; "
                "it needs a column text"
            )
        for row in reader:
            rows.append(Given(f"{given.place}:{reader.line_num}", row["text"] or ""))
    except csv.Error as error:
        raise InputError(
            f"{given.place}:{reader.line_num + 1}: is not CSV ({error})"
        ) from None
    return rows


def _json_texts(given: Given) -> list[Given]:
    rows = []
    for number, line in enumerate(given.text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{given.place}:{number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{place}: is not JSON ({error})") from None
        text = value.get("text") if isinstance(value, dict) else value
        if not isinstance(text, str):
            raise InputError(f'{place}: must be {{"text": ...}}')
        rows.append(Given(place, text))
    return rows
