"""LibriSpeech as it is unpacked: PART/SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt.

Each line of such a file is an id and its words in capitals; beside it lies ID.flac.
"""

from pathlib import Path

from ..utils.errors import InputError
from .lines import read_lines
from .utterance import Utterance


SUFFIXES = (".flac", ".wav")
LAYOUT = "PART/SPEAKER/CHAPTER/*.trans.txt with .flac files beside them"


def read_librispeech(root: str | Path, parts: str) -> list[Utterance]:
    """The utterances of `parts`, such as "train-clean-100,train-clean-360".

    The parts lie in `root` or in a folder LibriSpeech in it. Raises InputError for a
    part that is not there, or has no transcripts.
    """
    root, found = Path(root), []
    if (root / "LibriSpeech").is_dir():
        root = root / "LibriSpeech"
    for part in (name.strip() for name in parts.split(",")):
        folder = root / part
        files = sorted(folder.glob("*/*/*.trans.txt")) if part else []
        if not files:
            raise InputError(
                f"{folder}: no transcripts there; LibriSpeech is laid out as {LAYOUT}"
            )
        for file in files:
            found += _chapter(file)
    return found


def _chapter(file: Path) -> list[Utterance]:
    found = []
    for number, line in read_lines(file, "lines of the form: id words"):
        name, *words = line.split(maxsplit=1)
        where = f"{file}:{number}"
        if name.startswith(".") or len(name) > 100 or {"/", "\0"} & set(name):
            raise InputError(f"{where}: {name[:60]!r} is not an id of LibriSpeech")
        paths = [file.parent / f"{name}{suffix}" for suffix in SUFFIXES]
        audio = next((path for path in paths if path.exists()), paths[0])
        speaker = file.parent.parent.name
        text = words[0] if words else ""
        found.append(Utterance(name, audio, text, speaker, where=where))
    return found
