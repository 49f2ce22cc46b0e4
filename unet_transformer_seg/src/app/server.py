# pattern: app/server.py -- the same in every sub-project; edit one, then: python -m tools.copies sync app/server.py --from <sub-project>
"""A page behind HTTP on this machine: its files, its answers, its streams.

    GET  /              the page
    GET  /page/NAME     what it is made of
    POST /ask/NAME      {parameters} -> {"answer": ...} or {"fault": sentence}
    GET  /listen/NAME   ?given={parameters}: server-sent events of the same two shapes

A fault is an answer (200): browsers write every other status to their console.
Whatever runs a model does so in one thread, in the order of the questions: panels need
no locks, and a question waits no longer than one frame of a training under way.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from ..utils.errors import InputError
from ..utils.logging import log
from .asking import answer, checked, frames
from .guard import Guard
from .page import Page
from .parts import TYPES, index_page, page_files


END = object()


def create_app(
    load: Callable[[], Page],
    port: int,
    on_start: Callable[[Future], None] = lambda page: None,
) -> FastAPI:
    """The application that serves the page which `load` gives, called after the start.

    Where `load` raises InputError, every question is answered with its sentence.
    `on_start` gets the page to come.
    """
    worker = ThreadPoolExecutor(1, "model")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.page = worker.submit(_loaded, load)
        on_start(app.state.page)
        yield
        worker.shutdown(wait=False, cancel_futures=True)

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    files = page_files()
    index, policy = index_page(files)
    app.add_middleware(Guard, port=port, policy=policy)
    _add_files(app, index, files)
    _add_questions(app, worker)
    return app


def _loaded(load: Callable[[], Page]) -> Page:
    try:
        page = checked(load())
    except InputError as error:
        log.error("%s", error)
        raise
    except Exception:
        log.exception("the page cannot be built")
        raise InputError("a fault of ours: the terminal has the details") from None
    log.info("ready: %s", page.subtitle)
    return page


def _add_files(app: FastAPI, index: str, files: dict[str, bytes]) -> None:
    @app.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse(index, headers={"cache-control": "no-cache"})

    @app.get("/page/{name}")
    async def part(name: str) -> Response:
        if name not in files:
            return Response(f"no file {name[:60]!r}", 404, media_type="text/plain")
        kind = TYPES[Path(name).suffix]
        return Response(files[name], 200, {"cache-control": "no-cache"}, kind)


def _add_questions(app: FastAPI, worker: ThreadPoolExecutor) -> None:
    async def in_thread(function: Callable, *given: Any) -> Any:
        return await asyncio.wrap_future(worker.submit(function, *given))

    @app.post("/ask/{name:path}")
    async def ask(name: str, request: Request) -> Response:
        body = await request.body()
        content = await in_thread(answer, app.state.page.result, name, body)
        return Response(content, media_type="application/json")

    @app.get("/listen/{name:path}")
    async def listen(name: str, given: str = "{}") -> Response:
        made = frames(app.state.page.result, name, given)
        return _Stream(events(made), lambda: worker.submit(made.close))

    async def events(made: Iterator[str]) -> AsyncIterator[str]:
        while (frame := await in_thread(next, made, END)) is not END:
            yield f"data: {frame}\n\n"
        yield "event: end\ndata: null\n\n"


class _Stream(StreamingResponse):
    """Server-sent events that call `end` when they end or their visitor has left.

    A `finally` in the generator would wait for the next collection of garbage where he
    leaves while a frame is being sent.
    """

    def __init__(self, told: AsyncIterator[str], end: Callable[[], Any]) -> None:
        super().__init__(told, media_type="text/event-stream")
        self.end = end

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        with suppress(RuntimeError):  # of the worker, once the server has ended
            try:
                await super().__call__(scope, receive, send)
            finally:  # comes after the frame under way
                self.end()
