"""Where transcripts are written: nothing of the user is replaced, no two collide."""

import json
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..utils.errors import InputError
from .inputs import Recording, show
from .outputs import WRITERS


MADE_BY = "paraformer_asr"
SUMMARY = "transcripts.json"
"""Of a whole call; its targets are those of the calls before too, which later calls
may replace."""


def read_formats(given: str) -> list[str]:
    """`txt,srt` or `all`; raises InputError for a format that there is not."""
    names = [name.strip().lower() for name in given.split(",") if name.strip()]
    chosen = list(WRITERS) if "all" in names else list(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in WRITERS]
    if unknown or not chosen:
        raise InputError(f"--format {given}: choose from {', '.join(WRITERS)}, or all")
    return chosen


def plan_targets(
    recordings: Sequence[Recording], out: Path, formats: Sequence[str]
) -> list[dict[str, Path]]:
    """The files of each recording by format, as free of collisions as the inputs.

    `a.wav` gives `a.txt`; where that is taken `a.wav.txt`, then `a.wav-2.txt` and so
    on. Folders below a folder that was named are kept.
    """
    taken = {_key(os.path.realpath(recording.path)) for recording in recordings}
    taken.add(_key(os.path.realpath(out / SUMMARY)))
    return [_targets(recording.name, out, formats, taken) for recording in recordings]


def require_own(targets: Sequence[dict[str, Path]], out: Path) -> list[str]:
    """Raise InputError if a target is a file that no earlier call wrote.

    Gives what earlier calls wrote and is still there, below `out`.
    """
    own = _written_before(out)
    for files in targets:
        for path in files.values():
            if os.path.lexists(path) and str(path.relative_to(out)) not in own:
                raise _would_replace(path, out)
    if os.path.lexists(out / SUMMARY) and not own:
        raise _would_replace(out / SUMMARY, out)
    return sorted(p for p in own - {SUMMARY} if os.path.lexists(out / p))


def _targets(
    name: Path, out: Path, formats: Sequence[str], taken: set[str]
) -> dict[str, Path]:
    folder = out / name.parent
    numbered = (f"{name.name}-{number}" for number in range(2, len(taken) + 3))
    for stem in (name.stem, name.name, *numbered):
        files = {form: folder / f"{stem}.{form}" for form in formats}
        keys = {_key(os.path.realpath(path)) for path in files.values()}
        if not keys & taken:
            taken |= keys
            return files
    raise AssertionError("one of more names than there are files is free")


def _written_before(out: Path) -> set[str]:
    """Paths below `out` in the summary of an earlier call; none where there is none."""
    try:
        content: Any = json.loads((out / SUMMARY).read_text(encoding="utf-8"))
        if content["made_by"] != MADE_BY:
            return set()
        return {str(path) for path in content["targets"]} | {SUMMARY}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _would_replace(path: Path, out: Path) -> InputError:
    return InputError(
        f"--out {show(out)}: {show(path.relative_to(out))} is there and was not "
        "written by an earlier call; choose another folder, or move it away"
    )


def _key(path: str) -> str:
    """Alike for names that some file systems take for one."""
    return unicodedata.normalize("NFC", path).casefold()
