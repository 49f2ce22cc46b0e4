"""The application: its routes, their guard, one shape for every error."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ..app.choice import NONE, Extras
from ..app.parts import index_page, page_files
from ..utils.errors import InputError
from ..utils.logging import log
from .guard import Guard
from .health import add_health
from .limits import Limits
from .page import add_page
from .refusals import body, explained
from .routes import add_inspection, add_models, add_transcriptions
from .socket import add_socket
from .state import Served, Service
from .worker import Busy, ClientGone, TooLate


BODIES = ("/v1/audio/transcriptions", "/v1/audio/inspect")
"""Where audio is posted."""


def create_app(
    load: Callable[[], Served],
    limits: Limits | None = None,
    on_failure: Callable[[Exception], None] = lambda error: None,
    extras: Extras = NONE,
    hosts: frozenset[str] = frozenset(),
) -> Any:
    """The FastAPI application that serves what `load` gives, called after the start.

    `on_failure` is told when `load` raises: the service then never becomes ready. Of
    `hosts`, where there are any, a request must name one as its own.
    """
    from fastapi import FastAPI

    service = Service(load, limits or Limits(), extras, hosts)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        starting = asyncio.ensure_future(_start(service, on_failure))
        yield
        starting.cancel()
        service.worker.stop()

    app = FastAPI(
        title="paraformer_asr",
        description="Speech recognition in the shape of OpenAI's transcription API.",
        lifespan=lifespan,
        docs_url=None,  # the page of Swagger would load its code from another host
        redoc_url=None,
    )
    app.state.service = service
    parts = (add_transcriptions, add_inspection, add_models, add_health)
    for add in (*parts, add_socket):
        add(app, service)
    files = page_files()
    index, policy = index_page(files)
    add_page(app, service, index, files)
    app.add_middleware(
        Guard,
        limits=service.limits,
        metrics=service.metrics,
        bodies=BODIES,
        policy=policy,
        hosts=hosts,
    )
    _answer_errors(app, service.limits)
    return app


async def _start(service: Service, on_failure: Callable[[Exception], None]) -> None:
    try:
        await service.start()
    except Exception as error:
        on_failure(error)
    else:
        log.info("ready: %s (%s)", service.served.name, service.served.checkpoint)


def _answer_errors(app: Any, limits: Limits) -> None:
    from fastapi.exceptions import RequestValidationError
    from fastapi.exceptions import StarletteHTTPException as HTTPException
    from fastapi.responses import JSONResponse

    async def answer(request: Any, error: Exception) -> JSONResponse:
        status, detail, headers = explained(error, limits)
        return JSONResponse(body(status, detail), status, headers)

    ours = (Busy, TooLate, ClientGone, InputError)
    for kind in (*ours, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, answer)
