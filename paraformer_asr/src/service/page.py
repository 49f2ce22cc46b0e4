"""The page: its files, and its questions, which the model's thread answers."""

from functools import partial
from pathlib import Path
from typing import Any

from ..app.page import Page
from ..app.parts import TYPES
from ..utils.errors import InputError
from .refusals import explained, refusal
from .state import Service
from .worker import Busy, ClientGone, TooLate, left


def add_page(app: Any, service: Service, index: str, files: dict[str, bytes]) -> None:
    """`/`, what it is made of below `/page/`, and what it asks below `/ask/`."""
    from fastapi import Request
    from fastapi.exceptions import StarletteHTTPException as HTTPException
    from fastapi.responses import HTMLResponse, Response

    from ..app.asking import answer, to_json

    @app.get("/", include_in_schema=False)
    async def home() -> HTMLResponse:
        return HTMLResponse(index, headers={"cache-control": "no-cache"})

    @app.get("/page/{name}", include_in_schema=False)
    async def part(name: str) -> Response:
        if name not in files:
            raise refusal(404, "no such file of the page")
        kind = TYPES[Path(name).suffix]
        return Response(files[name], 200, {"cache-control": "no-cache"}, kind)

    @app.post("/ask/{name:path}", include_in_schema=False)
    async def ask(name: str, request: Request) -> Response:
        options = {
            "deadline_s": service.limits.deadline_s,
            "gone": partial(left, request),
        }
        try:
            body = await request.body()
            job = partial(answer, partial(_page, service), name, body)
            content = await service.worker.run(job, **options)
        except (Busy, TooLate, ClientGone, HTTPException) as error:
            content = to_json({"fault": explained(error, service.limits)[1]})
        return Response(content, media_type="application/json")


def _page(service: Service) -> Page:
    """That of the model; what is asked while it is loaded waits in its thread."""
    if service.page is None:
        raise service.failure or InputError("the model is not loaded yet; ask again")
    return service.page
