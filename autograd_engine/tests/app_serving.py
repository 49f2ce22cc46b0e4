# pattern: tests/app_serving.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/app_serving.py --from <sub-project>
"""A page behind its server, in a thread of this process."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest

from src.app.page import Page


@contextlib.contextmanager
def serving(page: Page | Callable[[], Page]) -> Iterator[str]:
    """The address at which the page is served, in a thread of this process."""
    uvicorn = pytest.importorskip("uvicorn", reason="it serves the page")
    from src.app.launch import bind
    from src.app.server import create_app

    bound = bind(0)
    port = bound.getsockname()[1]
    app = create_app(page if callable(page) else lambda: page, port)
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()
