"""A data folder of Kaldi: `wav.scp` and `text`, perhaps `utt2spk` and `segments`.

    wav.scp    recording path            a path relative to the folder, or absolute
    text       utterance its words
    utt2spk    utterance speaker
    segments   utterance recording start end      seconds; an end of -1: the last

Without `segments` each recording is one utterance. A command ending in `|` in place of
a path is refused: no text file starts a program here.
"""

from pathlib import Path

from ..utils.errors import InputError
from .lines import read_lines
from .utterance import Utterance


FILES = ("wav.scp", "text", "utt2spk", "segments")


def read_kaldi(folder: str | Path) -> list[Utterance]:
    """The utterances of a folder, in the order of `segments` or of `wav.scp`.

    One that `text` has no words for has the text "". Raises InputError, which names
    file and line, for what is not of that form.
    """
    folder = Path(folder)
    paths = _table(folder / "wav.scp", "recording path")
    texts = _table(folder / "text", "utterance words", words=True)
    speakers = {}
    if (folder / "utt2spk").exists():
        speakers = _table(folder / "utt2spk", "utterance speaker")
    audio = {name: _path(folder, *entry) for name, entry in paths.items()}
    if (folder / "segments").exists():
        parts = _segments(folder / "segments", audio)
    else:
        parts = {name: (name, 0.0, 0.0, entry[1]) for name, entry in paths.items()}
    for name, (_, where) in texts.items():
        if name not in parts:
            raise InputError(
                f"{where}: there is no recording {name!r} in wav.scp or segments. "
                "Remove the line, or add the recording"
            )
    return [
        Utterance(
            name,
            audio[recording],
            texts.get(name, ("", ""))[0],
            speakers.get(name, ("", ""))[0],
            start,
            end,
            where,
        )
        for name, (recording, start, end, where) in parts.items()
    ]


def _table(path: Path, columns: str, words: bool = False) -> dict[str, tuple[str, str]]:
    """First word of each line -> the rest, and the place of the line."""
    found: dict[str, tuple[str, str]] = {}
    for number, line in read_lines(path, f"lines of the form: {columns}"):
        name, *rest = line.split(maxsplit=1)
        where = f"{path}:{number}"
        if not rest and not words:
            raise InputError(f"{where}: {line[:60]!r} is not of the form: {columns}")
        if name in found:
            raise InputError(
                f"{where}: {name!r} is already at {found[name][1]}. Name each one once"
            )
        found[name] = (rest[0].strip() if rest else "", where)
    if not found:
        raise InputError(f"{path}: no line in it. Give lines of the form: {columns}")
    return found


def _path(folder: Path, value: str, where: str) -> Path:
    if value.endswith("|"):
        raise InputError(
            f"{where}: {value[:60]!r} is a command, and no list of recordings starts "
            "programs here. Convert the audio to files and name these"
        )
    if "\0" in value:
        raise InputError(f"{where}: {value[:60]!r} is no path")
    name, colon, offset = value.rpartition(":")
    if colon and offset.isdigit() and name.endswith(".ark"):
        raise InputError(
            f"{where}: {value[:60]!r} is a place in an archive of Kaldi. Name audio "
            "files instead (wav-copy scp:wav.scp writes them)"
        )
    return folder / value


def _segments(
    path: Path, audio: dict[str, Path]
) -> dict[str, tuple[str, float, float, str]]:
    columns = "utterance recording start end"
    found = {}
    for name, (line, where) in _table(path, columns).items():
        try:
            recording, first, last = line.split()
            start, end = float(first), float(last)
        except ValueError:
            raise InputError(
                f"{where}: {line[:60]!r} is not of the form: {columns}, with seconds"
            ) from None
        if recording not in audio:
            raise InputError(f"{where}: there is no recording {recording!r} in wav.scp")
        if not (0 <= start < 1e9 and (end == -1 or start < end < 1e9)):
            raise InputError(
                f"{where}: start = {first} and end = {last}: seconds, the start first"
            )
        found[name] = (recording, start, max(0.0, end), where)
    return found
