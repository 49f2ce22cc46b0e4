"""A transcript in the shapes of OpenAI's transcription API."""

import math
from typing import Any

from ..utils.run_dir import to_json
from .outputs import to_srt, to_vtt
from .transcript import Segment, Transcript


TYPES = {
    "json": "application/json",
    "verbose_json": "application/json",
    "text": "text/plain",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
}


def written(
    transcript: Transcript, form: str, words: bool = False, **more: Any
) -> tuple[str, str]:
    """Media type and body in the shape `form`; `more` is added to verbose_json."""
    writers = {"srt": to_srt, "vtt": to_vtt, "text": lambda said: f"{said.text}\n"}
    if form in writers:
        return TYPES[form], writers[form](transcript)
    content = {"text": transcript.text}
    if form == "verbose_json":
        content = verbose(transcript, words) | more
    return TYPES[form], to_json(content)


def verbose(transcript: Transcript, words: bool = True) -> dict[str, Any]:
    """OpenAI's verbose object; `confidence` is ours, and `words` are our tokens.

    `language` is what `more` of `written` says: nothing here tells languages apart.
    `avg_logprob` is the logarithm of the mean confidence. `compression_ratio` and
    `no_speech_prob`, of models that invent text in silence, have no meaning here.
    """
    content = {
        "task": "transcribe",
        "language": "unknown",
        "duration": transcript.seconds,
        "text": transcript.text,
        "segments": [_segment(i, s) for i, s in enumerate(transcript.segments)],
        "method": transcript.method,
        "confidence": round(transcript.confidence, 4),
        "notes": list(transcript.notes),
    }
    if words:
        content["words"] = [
            {
                "word": token.token,
                "start": round(token.start_s, 3),
                "end": round(token.end_s, 3),
                "confidence": round(token.confidence, 4),
            }
            for segment in transcript.segments
            for token in segment.tokens
        ]
    return content


def _segment(number: int, segment: Segment) -> dict[str, Any]:
    sure = segment.confidence
    return {
        "id": number,
        "seek": 0,
        "start": round(segment.start_s, 3),
        "end": round(segment.end_s, 3),
        "text": segment.text,
        "temperature": 0.0,
        "avg_logprob": round(math.log(max(sure, 1e-10)), 4) if sure == sure else None,
        "confidence": round(sure, 4),
    }
