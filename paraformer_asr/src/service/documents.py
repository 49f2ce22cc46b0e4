"""What OpenAPI says of each route: each status, and what each field does."""

from typing import Any

from .refusals import body


def _strings(*names: str, **more: Any) -> dict[str, Any]:
    """The schema of an object that has these strings, `more`, and nothing else."""
    parts = {name: {"type": "string"} for name in names} | more
    return {
        "type": "object",
        "properties": parts,
        "required": [*parts],
        "additionalProperties": False,
    }


_REFUSAL = _strings("detail", error=_strings("message", "type", "code"))


def _error(status: int, says: str, example: str, *headers: str) -> dict[str, Any]:
    media = {"schema": _REFUSAL, "example": body(status, example)}
    known = {name: {"schema": {"type": "string"}} for name in headers}
    answer = {"description": says, "content": {"application/json": media}}
    return answer | ({"headers": known} if known else {})


def _json(says: str, example: Any) -> dict[str, Any]:
    return {"description": says, "content": {"application/json": {"example": example}}}


FOREIGN: dict[int | str, dict[str, Any]] = {
    403: _error(
        403, "Asked by another site", "pages of another site may not ask this one"
    )
}
ERRORS: dict[int | str, dict[str, Any]] = FOREIGN | {
    400: _error(400, "No readable audio", "the audio is empty: it has no samples"),
    404: _error(
        404, "Another model", "model whisper-1 is not served here, but digits-001"
    ),
    408: _error(408, "The body came too slowly", "the body took longer than 30 s"),
    413: _error(
        413, "Too large or too long", "the audio is longer than 600 s, the limit"
    ),
    415: _error(
        415, "No audio, or no multipart", "this is no audio file: send WAV, FLAC"
    ),
    422: _error(422, "A field is wrong", "temperature: Input should be less than 1"),
    500: _error(500, "A fault of the service", "a fault of the service; request 3f2a"),
    503: _error(
        503, "Full, or loading", "the queue is full; try again in 4 s", "Retry-After"
    ),
    504: _error(504, "The deadline passed", "not done in 60 s: send less audio"),
}
_VERBOSE = {
    "task": "transcribe",
    "language": "en",
    "duration": 1.2,
    "text": "42",
    "segments": [{"id": 0, "start": 0.1, "end": 1.1, "text": "42", "confidence": 0.98}],
    "words": [{"word": "4", "start": 0.1, "end": 0.6, "confidence": 0.99}],
}
TRANSCRIPTION: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The transcript, in the shape of `response_format`",
        "content": {
            "application/json": {
                "examples": {
                    "json": {"value": {"text": "42"}},
                    "verbose_json": {"value": _VERBOSE},
                }
            },
            "text/plain": {"example": "42\n"},
            "application/x-subrip": {
                "example": "1\n00:00:00,100 --> 00:00:01,100\n42\n"
            },
            "text/vtt": {"example": "WEBVTT\n\n00:00:00.100 --> 00:00:01.100\n42\n"},
        },
    }
}
INSPECTION: dict[int | str, dict[str, Any]] = {
    200: _json(
        "The transcript and the values that it came from",
        {
            "transcript": _VERBOSE,
            "mel": {"frames": 118, "bins": 40, "frame_s": 0.01, "base64": "AAEC..."},
            "alphas": [0.0, 0.1, 0.7],
            "alpha_s": 0.04,
            "boundaries_s": [0.58, 1.02],
        },
    )
}
MODEL_LIST: dict[int | str, dict[str, Any]] = FOREIGN | {
    200: _json(
        "The one model that is served",
        {"object": "list", "data": [{"id": "digits-001", "object": "model"}]},
    ),
    503: ERRORS[503],
}
HEALTH: dict[int | str, dict[str, Any]] = FOREIGN | {
    200: _json("Alive", {"status": "alive"})
}
READY: dict[int | str, dict[str, Any]] = FOREIGN | {
    200: _json("Ready", {"status": "ready", "model": "digits-001", "sha256": "9f2c"}),
    503: _error(503, "Loading", "the model is being loaded", "Retry-After"),
}
METRICS: dict[int | str, dict[str, Any]] = FOREIGN | {
    200: {
        "description": "Prometheus' text format",
        "content": {"text/plain": {"example": "asr_ready 1.0\n"}},
    }
}
SPOKEN = {
    "file": "WAV, FLAC, OGG, MP3, AIFF, AU or CAF; its name is ignored.",
    "model": "The id that /v1/models gives, or nothing.",
    "language": "No effect but an echo in verbose_json, `unknown` where it is left "
    "out: a checkpoint knows the language that it was trained on.",
    "stream": "Refused where it is true, 422: partial texts come over the WebSocket "
    "/v1/audio/stream.",
    "temperature": "No effect: decoding is deterministic.",
    "granularities": "`word` adds the tokens with their times to verbose_json.",
    "prompt": "Words that the model can write become hot words, found by a beam where "
    "`method` is auto; no effect with a method that is no beam.",
    "method": "Not of OpenAI: how the logits become a text.",
}
"""What each field of a form does."""
