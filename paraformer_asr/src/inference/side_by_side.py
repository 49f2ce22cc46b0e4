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
RUNS, ENOUGH_S = 8, 0.5
"""Runs of which the fastest counts: so many, or fewer that took this long together."""


class Asked(NamedTuple):
    """One model, and what is asked of it."""

    recognizer: Recognizer
    methods: Sequence[str]
    helps: Helps = ALONE
    """For the beams among them."""


class Timed(NamedTuple):
    """What one method says, and the CPU seconds of each half of it in its thread."""

    segments: tuple[Segment, ...]
    encoder_s: float
    decoder_s: float
    """From hidden states to tokens: predictor, decoder or CTC head, and the search."""

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)


@contract
def side_by_side(
    asked: Sequence[Asked],
    waveform: Float[Tensor, " samples"],
    rate: int,
    width: int = 0,
) -> list[dict[str, Timed]]:
    """Of each model what each method says: the segments of `Recognizer.transcribe`.

    `width` is that of the beams, 0 each one's own. Times are the CPU seconds of this
    thread in the fastest of up to eight runs, in which the models take turns: wall time
    would count whatever else runs on the machine.
    """
    runs = [_Run(one, waveform, rate, width) for one in asked]
    began = time.perf_counter()
    for _ in range(RUNS):
        for run in runs:
            run.once()
        if time.perf_counter() - began > ENOUGH_S:
            break
    return [run.timed() for run in runs]


class _Run:
    """One model at its methods, again and again."""

    def __init__(self, asked: Asked, waveform: Tensor, rate: int, width: int) -> None:
        self.recognizer, self.methods, self.helps = asked
        self.rate, self.width = rate, width
        self.pieces = [*LongAudio(one_block(waveform, rate)).pieces()]
        self.features = [
            self.recognizer.features(piece.waveform, rate) for piece in self.pieces
        ]
        self.times: dict[str, list[float]] = {m: [] for m in ("", *self.methods)}
        """Of the encoder ("") and of each method."""
        self.found: dict[str, tuple[Segment, ...]] = {}

    def once(self) -> None:
        encoded = self._timed("", lambda: [*map(self.recognizer.encode, self.features)])
        for method in self.methods:
            self.found[method] = self._timed(method, self._decode, method, encoded)

    def timed(self) -> dict[str, Timed]:
        least = {name: min(times) for name, times in self.times.items()}
        return {
            method: Timed(segments, least[""], least[method])
            for method, segments in self.found.items()
        }

    def _decode(self, method: str, encoded: list) -> tuple[Segment, ...]:
        options = (method, self.helps if method in BEAMS else ALONE, self.width)
        said = [
            self.recognizer.decode(piece, self.rate, hidden, *options)
            for piece, hidden in zip(self.pieces, encoded, strict=True)
        ]
        return tuple(segment for segment in said if segment.text)

    def _timed(self, name: str, call: Callable[..., Any], *given: Any) -> Any:
        started = time.thread_time()
        found = call(*given)
        self.times[name].append(time.thread_time() - started)
        return found


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
