"""What recognition gives: a text, when each part of it was said, and how surely."""

from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from ..decoding.timestamps import TokenTime


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech; times are seconds from the beginning of the audio."""

    start_s: float
    end_s: float
    text: str
    tokens: tuple["TokenTime", ...] = ()
    """Their times, too, count from the beginning of the audio."""
    confidence: float = float("nan")
    """Mean over tokens, in [0, 1]; NaN without tokens."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """Segments in their order, none overlapping; `text` is "" where nothing is said."""

    text: str
    segments: tuple[Segment, ...]
    seconds: float
    """Of audio."""
    method: str = ""
    processing_s: float = 0.0
    """Raw seconds from samples to text; without reading the file and partial texts."""
    notes: tuple[str, ...] = ()
    """What was done to the audio that a person might not expect."""

    @property
    def confidence(self) -> float:
        """Mean over all tokens; NaN without any."""
        sure = [token.confidence for s in self.segments for token in s.tokens]
        return sum(sure) / len(sure) if sure else float("nan")
