# pattern: app/launch.py -- the same in every sub-project; edit one, then: python -m tools.copies sync app/launch.py --from <sub-project>
"""From `scripts/app.py` to a running page, and its end."""

import gc
import logging
import os
import shlex
import signal
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec

from ..utils.errors import InputError
from ..utils.logging import log
from .page import Page


NEEDED = ("fastapi", "uvicorn")
"""What the extra `app` installs."""


def serve(load: Callable[[], Page], port: int) -> None:
    """Serve on 127.0.0.1 until Ctrl-C (exit 130) or SIGTERM (143).

    The address answers before `load` has ended; where it fails, the page says why and
    the exit code is 2. Raises InputError if an extra is missing or the port is taken.
    """
    require_extra()
    bound = bind(port)
    pages: list[Future] = []

    def leave(number: int, frame: object) -> None:
        page = pages[0] if pages and pages[0].done() else None
        failed = page and not page.cancelled() and page.exception()
        raise SystemExit(2 if failed else 128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)  # uvicorn, while it runs, ends first
    announce(bound.getsockname()[1])
    early = ThreadPoolExecutor(1, "load").submit(_loaded, load)
    import uvicorn

    from .server import create_app

    app = create_app(early.result, bound.getsockname()[1], pages.append)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            limit_concurrency=64,
        )
    )
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # Guard tells faults
    server.run(sockets=[bound])


def _loaded(load: Callable[[], Page]) -> Page:
    """The page, while the server is imported; without looking for garbage meanwhile.

    Imports make many objects that stay: collecting took a tenth of the start.
    """
    gc.disable()
    try:
        return load()
    finally:
        gc.freeze()
        gc.enable()


def require_extra() -> None:
    """Raise InputError with the command that installs what is missing."""
    if missing := [name for name in NEEDED if not find_spec(name)]:
        raise InputError(
            f"the page needs {' and '.join(missing)}. Type: "
            f"pip install {shlex.join(NEEDED)} (or save it: --export page.html)"
        )


def bind(port: int) -> socket.socket:
    """A listening socket of this machine alone; port 0 becomes a free one."""
    if not 0 <= port <= 65535:
        raise InputError(f"--port {port}: must be from 0 (any free one) to 65535")
    bound = socket.socket()
    if os.name == "posix":  # on Windows it would share a port that is in use
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
        bound.listen(64)
    except OSError as error:
        bound.close()
        raise InputError(
            f"--port {port}: {error.strerror}. Choose another; 0 takes a free one"
        ) from None
    return bound


def announce(port: int) -> None:
    """Where the page is, on stdout, and how it ends, on stderr."""
    print(f"http://127.0.0.1:{port}", flush=True)
    log.info("open the address above in a browser; Ctrl-C ends it")
