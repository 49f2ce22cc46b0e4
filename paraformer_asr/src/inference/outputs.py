"""A transcript as text, JSON, SubRip, WebVTT and a table of tab-separated values."""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..utils.run_dir import to_json as strict_json
from .transcript import Segment, Transcript


def to_txt(transcript: Transcript) -> str:
    """A line a segment; nothing for an empty transcript."""
    return "".join(f"{cue.text}\n" for cue in _cues(transcript))


def to_json(transcript: Transcript) -> str:
    """Strict JSON; what is no finite number becomes null."""
    return strict_json(to_dict(transcript), indent=1) + "\n"


def to_srt(transcript: Transcript) -> str:
    """SubRip: numbered cues. The arrow between times cannot stand in a text."""
    return "\n".join(
        f"{number}\n{clock(cue.start, ',')} --> {clock(cue.end, ',')}\n"
        f"{cue.text.replace('-->', '->')}\n"
        for number, cue in enumerate(_cues(transcript), 1)
    )


def to_vtt(transcript: Transcript) -> str:
    """WebVTT, in which & < > are written as entities."""
    return "WEBVTT\n" + "".join(
        f"\n{clock(cue.start)} --> {clock(cue.end)}\n{_escape(cue.text)}\n"
        for cue in _cues(transcript)
    )


def to_tsv(transcript: Transcript) -> str:
    """Start and end in milliseconds, then the text, under a header."""
    rows = (f"{cue.start}\t{cue.end}\t{cue.text}\n" for cue in _cues(transcript))
    return "start\tend\ttext\n" + "".join(rows)


WRITERS: dict[str, Callable[[Transcript], str]] = {
    "txt": to_txt,
    "json": to_json,
    "srt": to_srt,
    "vtt": to_vtt,
    "tsv": to_tsv,
}
"""By the ending of their files."""


def to_dict(transcript: Transcript) -> dict[str, Any]:
    """Plain values of all that is known."""
    return {
        "text": transcript.text,
        "seconds": transcript.seconds,
        "processing_s": transcript.processing_s,
        "method": transcript.method,
        "confidence": transcript.confidence,
        "notes": list(transcript.notes),
        "segments": [_plain(segment) for segment in transcript.segments],
    }


def clock(milliseconds: int, point: str = ".", hours: bool = True) -> str:
    """`00:01:02.345`; without `hours` they are left out below one hour."""
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    whole, minutes = divmod(minutes, 60)
    shown = f"{minutes:02}:{seconds:02}{point}{thousandths:03}"
    return f"{whole:02}:{shown}" if hours or whole else shown


def spoken_line(segment: Segment) -> str:
    """`[00:00.000 --> 00:02.000] text`, as it is printed while files are done."""
    start, end = (round(1000 * time) for time in (segment.start_s, segment.end_s))
    times = f"{clock(start, hours=False)} --> {clock(end, hours=False)}"
    return f"[{times}] {one_line(segment.text)}"


def one_line(text: str) -> str:
    """`text` with a space for each run of white space and control characters."""
    shown = (" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    return " ".join("".join(shown).split())


class _Cue(NamedTuple):
    start: int  # milliseconds
    end: int
    text: str


def _cues(transcript: Transcript) -> Iterator[_Cue]:
    """Segments with a text, in whole milliseconds: none is empty, none overlaps."""
    earliest = 0
    for segment in transcript.segments:
        text = one_line(segment.text)
        if not text:
            continue
        start = max(earliest, round(1000 * segment.start_s))
        earliest = max(start + 1, round(1000 * segment.end_s))
        yield _Cue(start, earliest, text)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(segment: Segment) -> dict[str, Any]:
    return {
        "start_s": segment.start_s,
        "end_s": segment.end_s,
        "text": segment.text,
        "confidence": segment.confidence,
        "tokens": [token._asdict() for token in segment.tokens],
    }
