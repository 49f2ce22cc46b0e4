"""Manifests for the Free Spoken Digit Dataset as it is cloned.

github.com/Jakobovski/free-spoken-digit-dataset: recordings are named
DIGIT_SPEAKER_NUMBER.wav, and those with numbers 0 to 4 are its test part.

python -m src.data.fsdd --recordings free-spoken-digit-dataset/recordings
"""

import json
import re
from pathlib import Path
from typing import Annotated

from typer import Option

from ..utils.atomic import write_atomically
from ..utils.cli import run
from ..utils.errors import InputError


WORDS = "zero one two three four five six seven eight nine".split()
NAME = re.compile(r"(\d)_(\w+)_(\d+)\.wav")
TEST = 5
"""Numbers below this are tested on."""


def write_manifests(
    recordings: Annotated[Path, Option(help="the folder of the WAV files")],
) -> None:
    """Write train.jsonl and test.jsonl beside the folder of the recordings."""
    parts: dict[str, list[str]] = {"train": [], "test": []}
    for path in sorted(recordings.glob("*.wav")):
        if found := NAME.fullmatch(path.name):
            digit, speaker, number = found.groups()
            entry = {
                "audio": f"{recordings.name}/{path.name}",
                "text": WORDS[int(digit)],
                "speaker": speaker,
            }
            parts["test" if int(number) < TEST else "train"].append(json.dumps(entry))
    for part, lines in parts.items():
        if not lines:
            raise InputError(
                f"{recordings} has no recordings for {part}: expected names like "
                "7_jackson_32.wav"
            )
    for part, lines in parts.items():
        manifest = recordings.resolve().parent / f"{part}.jsonl"
        write_atomically(manifest, ("\n".join(lines) + "\n").encode())
        print(f"{manifest}: {len(lines)} recordings")


if __name__ == "__main__":
    run(write_manifests)
