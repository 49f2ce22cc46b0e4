"""Errors that are an answer: a status and one sentence, always as {"detail": ...}."""

from typing import Any

from ..utils.errors import InputError
from .limits import Limits
from .worker import Busy, ClientGone, TooLate


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
        return 400, str(error), {}
    if hasattr(error, "errors"):  # of validation
        return 422, "; ".join(map(_field, error.errors())), {}
    known: Any = error
    return known.status_code, str(known.detail), dict(known.headers or {})


def _field(problem: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in problem["loc"][1:])
    return f"{where}: {problem['msg']}"
