# pattern: app/asking.py -- the same in every sub-project; edit one, then: python -m tools.copies sync app/asking.py --from <sub-project>
"""A question as it comes over the wire, and its answer or fault as it goes back."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ConfigDict, ValidationError, validate_call

from ..utils.errors import FaultError, InputError
from ..utils.logging import log
from .page import Page


STRICT = ConfigDict(allow_inf_nan=False, arbitrary_types_allowed=True)


def checked(page: Page) -> Page:
    """The page with all parameters checked against the annotations first."""

    def check(function: Callable) -> Callable:
        strict = validate_call(config=STRICT)(function)

        def asked(**given: Any) -> Any:
            try:
                return strict(**given)
            except ValidationError as error:
                raise InputError(_first_fault(error)) from None

        return asked

    calls = {name: check(function) for name, function in page.calls.items()}
    streams = {name: check(function) for name, function in page.streams.items()}
    return Page(page.title, page.subtitle, calls, streams, page.exported)


def answer(page: Callable[[], Page], name: str, body: bytes) -> str:
    """{"answer": ...} or {"fault": sentence}, as JSON."""
    try:
        return to_json({"answer": page().ask(name, _parameters(body))})
    except Exception as error:
        return to_json({"fault": _sentence(error, name)})


def frames(page: Callable[[], Page], name: str, given: str) -> Iterator[str]:
    """The same of each frame of a stream; a fault is the last one."""
    try:
        for frame in page().listen(name, _parameters(given)):
            yield to_json({"answer": frame})
    except Exception as error:
        yield to_json({"fault": _sentence(error, name)})


def to_json(value: Any) -> str:
    """Compact, and without the NaN that only Python reads."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _parameters(body: bytes | str) -> dict[str, Any]:
    try:
        given = json.loads(body or "{}")
    except (ValueError, RecursionError):
        raise InputError("the question is no JSON") from None
    if not isinstance(given, dict):
        raise InputError("the question is no JSON object of parameters")
    return given


def _sentence(error: Exception, name: str) -> str:
    if isinstance(error, InputError | FaultError):
        return str(error)
    log.error("%s failed", name, exc_info=error)
    return "a fault of ours: the terminal has the details"


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False, include_context=False)
    where = ".".join(str(part) for part in fault[0]["loc"])
    return f"{where[:60]}: {fault[0]['msg'][:200]}"
