"""A recording and what is said in it, before any sound is read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


SPLITS = ("train", "val", "test")
Split = Literal["train", "val", "test"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """`audio` is None where the sound is made, not read."""

    id: str
    audio: Path | None
    text: str
    """As it was written; normalised by the tokenizer."""
    speaker: str = ""
    start: float = 0.0
    """Seconds into the file."""
    end: float = 0.0
    """0: to the end of the file."""
    where: str = ""
    """File and line that name it, for messages."""


Splits = dict[str, list[Utterance]]
"""Of "train", "val" and, where there is one, "test"."""
