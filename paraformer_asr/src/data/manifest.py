"""A list of recordings as JSON lines, one object a line:

    {"audio": "wavs/7_lucas_3.wav", "text": "seven", "speaker": "lucas"}

`audio` is a path relative to the manifest. Optional: `speaker`, `id`, and `start` and
`end` in seconds for a part of a longer file. Other keys are not read.
"""

import json
from pathlib import Path
from typing import Any

from ..utils.errors import InputError
from .lines import read_lines
from .utterance import Utterance


WANTED = 'one JSON object a line: {"audio": "a.wav", "text": "hello", "speaker": "ann"}'


def read_manifest(path: str | Path) -> list[Utterance]:
    """The recordings that `path` lists.

    Raises InputError, which names the line, for what is not of that form, and for an id
    that comes twice.
    """
    path, found, lines = Path(path), [], {}
    for number, text in read_lines(path, WANTED):
        where = f"{path}:{number}"
        utterance, named = _read(text, path.parent, where)
        if named and utterance.id in lines:
            raise InputError(
                f"{where}: the id {utterance.id!r} is already that of line "
                f"{lines[utterance.id]}. Give each recording its own"
            )
        if named:
            lines[utterance.id] = number
        found.append(utterance)
    if not found:
        raise InputError(f"{path}: no recording in it. Give {WANTED}")
    return found


def _read(text: str, folder: Path, where: str) -> tuple[Utterance, bool]:
    """The recording of a line, and whether the line gave it an id."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        said = getattr(error, "msg", None) or "nested too deep"
        raise InputError(f"{where}: not JSON: {said}. Give {WANTED}") from None
    if not isinstance(values, dict):
        raise InputError(f"{where}: not a JSON object. Give {WANTED}")
    audio = _text(values, "audio", where)
    said = _text(values, "text", where, empty=True)
    speaker = _text(values, "speaker", where, default="", empty=True)
    start, end = (_seconds(values, name, where) for name in ("start", "end"))
    if end and end <= start:
        raise InputError(
            f"{where}: end = {end:g} s is not behind start = {start:g} s. Leave end "
            "out for a part that goes to the end of the file"
        )
    part = f"@{start:g}-{end:g}" if start or end else ""
    name = _text(values, "id", where, default=f"{audio}{part}")
    if "\0" in audio:
        raise InputError(f"{where}: audio is no path: {audio[:60]!r}")
    place = folder / audio
    return Utterance(name, place, said, speaker, start, end, where), "id" in values


def _text(
    values: dict[str, Any],
    key: str,
    where: str,
    default: str | None = None,
    empty: bool = False,
) -> str:
    value = values.get(key, default)
    if value is None and key not in values:
        raise InputError(f'{where}: the key "{key}" is missing. Give {WANTED}')
    if not isinstance(value, str) or not (value or empty):
        shown = json.dumps(value, ensure_ascii=False)[:60]
        raise InputError(f"{where}: {key} must be a text, got {shown}. Give {WANTED}")
    if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
        raise InputError(f"{where}: {key} has half a character: {ascii(value)[:60]}")
    return value


def _seconds(values: dict[str, Any], key: str, where: str) -> float:
    value = values.get(key, 0.0)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value < 1e9:
        raise InputError(
            f"{where}: {key} must be seconds, a number >= 0, got {str(value)[:60]}"
        )
    return float(value)
