"""The page of a checkpoint: its panel, and what a saved page holds of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..inference.recognizer import Recognizer
from ..utils.errors import InputError
from .checkpoints import check_finite
from .choice import NONE, Extras, digest, model_name
from .examples import find_examples
from .export import export
from .listen import Listen, Noise
from .page import Page, Question


SAVED_WIDTHS = (0, 10)
"""Of beams; a saved page holds each with each noise, for each example."""


def build(
    recognizer: Recognizer,
    name: str,
    sha256: str,
    extras: Extras = NONE,
    *,
    seconds: float = 600.0,
    picture_seconds: float = 60.0,
) -> Page:
    """Raises InputError for a second checkpoint or examples that cannot be used."""
    second = _second(recognizer, extras.beside) if extras.beside else None
    panel = Listen(
        recognizer,
        name,
        find_examples(recognizer, extras.examples),
        beside=second,
        seconds=seconds,
        picture_seconds=picture_seconds,
    )
    khz = recognizer.sample_rate / 1000
    shown = f"{name}, beside it {second[1]}" if second else name
    return Page(
        title="Speech to text, all tokens at once",
        subtitle=f"model {shown} · {khz:g} kHz · sha256 {sha256}",
        calls={
            "listen/start": panel.start,
            "listen/hear": panel.hear,
            "listen/methods": panel.methods,
        },
        exported=lambda: _saved([*panel.examples]),
    )


def save(checkpoint: Path, extras: Extras, path: Path) -> int:
    """Write the page of a checkpoint as one file; gives its bytes."""
    recognizer = load_usable(checkpoint)
    return export(
        build(recognizer, model_name(checkpoint), digest(checkpoint), extras), path
    )


def load_usable(checkpoint: Path) -> Recognizer:
    """On the CPU; InputError for what is no checkpoint, or holds NaN."""
    recognizer = Recognizer.load(checkpoint)
    check_finite(recognizer.loaded.model.state_dict(), checkpoint)
    return recognizer


def _saved(examples: Sequence[str]) -> Iterator[Question]:
    yield "listen/start", {}
    for example in examples:
        for noise in Noise.__args__:
            given = {"example": example, "noise": noise}
            yield "listen/hear", given
            for width in SAVED_WIDTHS:
                more = {"width": width, "hotwords": ""}
                yield "listen/methods", given | more


def _second(recognizer: Recognizer, path: Path) -> tuple[Recognizer, str]:
    second = load_usable(path)
    own, other = (r.loaded.tokenizer.pieces for r in (recognizer, second))
    if list(own) != list(other):
        raise InputError(
            f"--beside {path} writes other tokens than the checkpoint: train both with "
            "the same data and tokenizer"
        )
    return second, model_name(path)
