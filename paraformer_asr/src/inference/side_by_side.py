"""CTC, all tokens at once, one after the other: the same sound, texts and times.

All methods of a model read one run of its encoder, so that what differs is what comes
behind it.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract
from .long_audio import LongAudio, one_block
from .recognizer import Recognizer
from .search import ALONE, BEAMS, Helps
from .transcript import Segment


FAMILIES = {
    "ctc": "a token or none for each frame",
    "nar": "all tokens at once",
    "ar": "one token after the other",
}
RUNS, ENOUGH_S = 5, 0.3
"""Runs of which the fastest counts: so many, or fewer that took this long together."""


class Timed(NamedTuple):
    """What one method says, and the wall seconds of each half of it."""

    segments: tuple[Segment, ...]
    encoder_s: float
    decoder_s: float
    """From hidden states to tokens: predictor, decoder or CTC head, and the search."""

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)


@contract
def side_by_side(
    recognizer: Recognizer,
    waveform: Float[Tensor, " samples"],
    rate: int,
    methods: Sequence[str],
    helps: Helps = ALONE,
    width: int = 0,
) -> dict[str, Timed]:
    """What each of `methods` says: the segments that `Recognizer.transcribe` gives.

    `helps` and `width` (0: each beam's own) are for the beams among them. Times are
    those of the fastest of up to five runs: what else runs can only add to them.
    """
    pieces = [*LongAudio(one_block(waveform, rate)).pieces()]
    features = [recognizer.features(piece.waveform, rate) for piece in pieces]
    times: dict[str, list[float]] = {name: [] for name in ("encoder", *methods)}
    found: dict[str, tuple[Segment, ...]] = {}

    def decode(method: str, encoded: list) -> tuple[Segment, ...]:
        options = (method, helps if method in BEAMS else ALONE, width)
        said = [
            recognizer.decode(piece, rate, hidden, *options)
            for piece, hidden in zip(pieces, encoded, strict=True)
        ]
        return tuple(segment for segment in said if segment.text)

    began = time.perf_counter()
    for _ in range(RUNS):
        encoded = _timed(times["encoder"], lambda: [*map(recognizer.encode, features)])
        for name in methods:
            found[name] = _timed(times[name], decode, name, encoded)
        if time.perf_counter() - began > ENOUGH_S:
            break
    return {
        name: Timed(found[name], min(times["encoder"]), min(times[name]))
        for name in methods
    }


def methods_beside(
    known: Sequence[str], helped: bool = False, width: int = 0
) -> dict[str, str]:
    """Family -> method, of those that a model knows; beams where they are asked for."""
    beam = "_beam" if helped or width else ""
    named = {family: f"{family}{beam}" for family in FAMILIES}
    return {family: name for family, name in named.items() if name in known}


def why_missing(family: str, known: Sequence[str]) -> str:
    """One sentence on what a model needs for a family that it does not know."""
    if family == "ctc":
        return "Its CTC head was not trained; train one with loss.ctc above 0."
    name = {"nar": "paraformer", "ar": "transformer"}[family]
    return (
        f"This checkpoint has no decoder that writes {FAMILIES[family]} (it has "
        f"{', '.join(known)}); one trained with model.name={name} goes --beside it."
    )


def _timed(times: list[float], call: Callable[..., Any], *given: Any) -> Any:
    started = time.perf_counter()
    found = call(*given)
    times.append(time.perf_counter() - started)
    return found
