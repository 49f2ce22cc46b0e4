"""`scripts/serve.py`, `app.py`: from a checkpoint to a running service, and its end."""

import gc
import ipaddress
import math
import os
import shlex
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..app.choice import NONE, Extras
from ..utils.errors import InputError
from ..utils.logging import log
from .limits import Limits


NEEDED = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn[standard]",
    "python_multipart": "python-multipart",
}
"""Module and distribution of the extra `service`; FastAPI brings pydantic."""


@dataclass(frozen=True, slots=True)
class Address:
    host: str = "127.0.0.1"
    port: int = 8000

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser on this machine may call it; empty where others reach it.

        A site that lets its own name point here is then seen by that name.
        """
        if not self.local:
            return frozenset()
        names = {"localhost", "127.0.0.1", urlsplit(self.url).netloc.rsplit(":", 1)[0]}
        found = {f"{name}:{self.port}" for name in names}
        return frozenset(found | names if self.port == 80 else found)  # 80 is left out


def serve(
    checkpoint: Path,
    address: Address,
    limits: Limits,
    threads: int = 0,
    extras: Extras = NONE,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then exit 143 or 130 after the last answers.

    The address answers before the checkpoint is loaded. Raises InputError if it cannot
    start: an extra is missing, the address is taken, the checkpoint cannot be used.
    """
    require_extra()
    bound, address = bind(address)
    apps: list[Any] = []
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        signal.signal(number, lambda *_, code=code: _leave(apps, code))
    announce(address)
    from .app import create_app
    from .state import load_served

    failures: list[Exception] = []

    def stop(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    load = without_collecting(load_served(checkpoint, threads))
    apps.append(create_app(load, limits, stop, extras, address.hosts))
    server = make_server(apps[0], limits)
    server.run(sockets=[bound])
    if failures:
        raise failures[0]


def without_collecting(load: Callable[[], Any]) -> Callable[[], Any]:
    """`load`, while nobody looks for garbage: imports make many objects that stay."""

    def loaded() -> Any:
        gc.disable()
        try:
            return load()
        finally:
            gc.freeze()
            gc.enable()

    return loaded


def make_server(app: Any, limits: Limits) -> Any:
    """uvicorn's server for `app`, with those limits that it keeps itself."""
    import uvicorn

    from .patience import patient_protocol

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=patient_protocol(limits.head_s),
            ws_max_size=limits.message_bytes,
            ws_max_queue=4,
            limit_concurrency=limits.connections,
            timeout_graceful_shutdown=math.ceil(limits.drain_s),
            log_config=None,
            access_log=False,
            server_header=False,
        )
    )


def require_extra() -> None:
    """Raise InputError with the command that installs what is missing."""
    missing = [name for module, name in NEEDED.items() if not find_spec(module)]
    if missing:
        raise InputError(
            f"the service needs {', '.join(missing)}. Type: "
            f"pip install {shlex.join(NEEDED.values())}"
        )


def bind(address: Address) -> tuple[socket.socket, Address]:
    """A listening socket and its address: port 0 becomes a free one."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address.host, address.port))
        bound.listen(128)
    except (OSError, OverflowError) as error:
        bound.close()
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot listen on {address.url}: {why}. Choose another --port or --host"
        ) from None
    return bound, Address(address.host, bound.getsockname()[1])


def announce(address: Address) -> None:
    """Where the service is, on stdout, and what to type next, on stderr."""
    print(address.url, flush=True)
    log.info(
        "the page: open the address above; Ctrl-C ends the service\n"
        "next   curl -F file=@audio.wav %s/v1/audio/transcriptions",
        address.url,
    )
    if not address.local:
        log.warning(
            "listening beyond this machine, without a password or encryption: "
            "put a proxy in front"
        )


def _leave(apps: list[Any], code: int) -> None:
    """Exit with `code`; a model that still computes is not waited for."""
    log.info("stopped: all answers are given, or their time was over")
    if any(app.state.service.worker.inside for app in apps):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise SystemExit(code)
