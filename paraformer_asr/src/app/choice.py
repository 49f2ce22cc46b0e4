"""Whose page it is: the checkpoint, its name, what stands beside it; without torch."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from ..utils.errors import InputError
from ..utils.latest import resolve
from .checkpoints import newest_checkpoint


class Extras(NamedTuple):
    """What the page has beside the checkpoint."""

    beside: Path | None = None
    """A second checkpoint, for the methods that the first lacks."""
    examples: Path | None = None
    """A folder of recordings; None: docs/examples, and utterances of toy_tones."""


NONE = Extras()


def chosen(checkpoint: Path | None) -> Path:
    """The one that is named, else the newest; InputError where there is none."""
    found = resolve(checkpoint) if checkpoint else newest_checkpoint()
    if found is None:
        raise InputError(
            "no run has been trained in runs/ yet. Type: python scripts/train.py "
            "--config configs/toy_tones.yaml"
        )
    return found


def digest(checkpoint: Path) -> str:
    """The first 12 hex digits of the file's SHA-256."""
    return hashlib.sha256(checkpoint.read_bytes()).hexdigest()[:12]


def model_name(checkpoint: Path) -> str:
    """The run's name for a file in a run folder, the file's stem for another."""
    place = checkpoint.resolve()
    return place.parents[1].name if place.parent.name == "checkpoints" else place.stem
