"""What a model writes beside what was written: the figures of both in one table."""

from typing import Any

import numpy as np

from ..metrics.text_quality import MEANING, quality, words
from ..training.load import reopen_data
from ..utils.errors import InputError
from ..utils.logging import table
from .predictor import Predictor


MOST = 20_000_000  # tokens of the training text that are looked at
FEWEST = 2  # texts


def compare(predictor: Predictor, texts: list[str]) -> dict[str, Any]:
    """Figures of `texts` and of as many pieces, as long, of the validation text.

    Raises InputError if the data is not here any more or too short.
    """
    if len(texts) < FEWEST:
        raise InputError("--quality compares texts: give --count 2 or more, such as 10")
    parts = reopen_data(predictor.loaded).datasets
    train, held_out = (_text(predictor, parts[name]) for name in ("train", "val"))
    real = pieces_of(held_out, [len(text) for text in texts])
    vocabulary = set(words(train))
    return {
        "generated": quality(texts, train, vocabulary),
        "held_out": quality(real, train, vocabulary),
    }


def pieces_of(text: str, lengths: list[int]) -> list[str]:
    """Pieces of these lengths, at equal distances from each other."""
    room = len(text) - max(lengths)
    if room < 0:
        raise InputError(
            f"--quality: the validation text has {len(text)} characters, fewer than a "
            f"written one ({max(lengths)}). Give a smaller --length"
        )
    starts = [room * i // max(len(lengths) - 1, 1) for i in range(len(lengths))]
    pairs = zip(starts, lengths, strict=True)
    return [text[start : start + length] for start, length in pairs]


def quality_table(figures: dict[str, Any]) -> str:
    """A line a figure: of the written texts, of the real ones, what it is."""
    rows = [
        (name, _shown(value), _shown(figures["held_out"][name]), MEANING[name])
        for name, value in figures["generated"].items()
    ]
    return table(rows, ("", "written", "held out", ""))


def _text(predictor: Predictor, part: Any) -> str:
    """Of a split, also of a memmap or of packed documents, as far as it is read."""
    return predictor.text(np.asarray(part.tokens[:MOST]).tolist())


def _shown(value: float) -> str:
    return f"{value:.3f}" if isinstance(value, float) and value < 10 else f"{value:.0f}"
