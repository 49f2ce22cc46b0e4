"""Errors that are an answer: a status and one sentence, always in one shape."""

from typing import Any

from ..utils.errors import InputError
from .limits import Limits
from .worker import Busy, ClientGone, TooLate


CODES = {
    400: "unreadable",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_type",
    422: "invalid_field",
    499: "client_left",
    500: "fault",
    503: "unavailable",
    504: "deadline_passed",
}
"""One word for each status, for programs."""


def body(status: int, detail: str) -> dict[str, Any]:
    """The sentence twice: as `detail`, and as `error` where OpenAI's clients look."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    code = CODES.get(status, "refused")
    return {
        "detail": detail,
        "error": {"message": detail, "type": kind, "code": code},
    }


def refusal(status: int, detail: str, **headers: str) -> Exception:
    """To be raised: FastAPI lets no other exception than its own out of a body."""
    from fastapi import HTTPException

    return HTTPException(status, detail, headers or None)


def explained(error: Exception, limits: Limits) -> tuple[int, str, dict[str, str]]:
    """Status, sentence and headers for what a route has raised."""
    if isinstance(error, Busy):
        return 503, str(error), {"Retry-After": str(error.retry_s)}
    if isinstance(error, TooLate):
        return 504, f"not done in {limits.deadline_s:g} s: send less audio", {}
    if isinstance(error, ClientGone):
        return 499, "the client has left", {}
    if isinstance(error, InputError):
        return getattr(error, "status", 400), str(error), {}
    if hasattr(error, "errors"):  # of validation
        return 422, "; ".join(map(_field, error.errors())), {}
    known: Any = error
    return known.status_code, str(known.detail), dict(known.headers or {})


def _field(problem: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in problem["loc"][1:])
    if "UploadFile" in problem["msg"]:
        return f"{where}: this is a text, not a file: with curl, -F {where}=@audio.wav"
    return f"{where}: {problem['msg']}"
