"""A service on loopback with a tiny checkpoint, and clients with limits."""

import functools
import http.client
import io
import json
import tempfile
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pytest

from src.app.choice import NONE, Extras
from src.service.limits import Limits
from src.service.state import Service, load_served
from src.tokenizers import SPECIALS
from src.utils.checkpoint import load_checkpoint, save_checkpoint
from tests.tiny import tiny_checkpoint


LIMIT = 60
"""Seconds that a client waits for an answer."""
NO_EXTRA = "the extra `service` is not installed"
PATH = "/v1/audio/transcriptions"


def need_extra() -> None:
    for name in ("fastapi", "uvicorn", "python_multipart"):
        pytest.importorskip(name, reason=NO_EXTRA)


@functools.cache
def checkpoint(*overrides: str) -> Path:
    """One for all modules that are tested in this process; it says something."""
    folder = tempfile.TemporaryDirectory(prefix="service-")
    FOLDERS.append(folder)  # removed when the process ends
    path = tiny_checkpoint(Path(folder.name), *overrides)
    content = load_checkpoint(path)
    weights = content["model"]
    weights["predictor.out.bias"].fill_(0.0)  # a token in about two frames
    weights["decoder.head.bias"][: len(SPECIALS)] = -30.0  # and one that is shown
    save_checkpoint(path, content)
    return path


FOLDERS: list[tempfile.TemporaryDirectory] = []


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        """The sentence of an error, which is there twice and has nothing else."""
        detail, error = self.json["detail"], self.json["error"]
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        assert {*self.json} == {"detail", "error"}, self.body
        assert {*error} == {"message", "type", "code"} and detail, self.body
        assert (error["message"], error["type"]) == (detail, kind), self.body
        assert error["code"] not in ("", "refused"), self.body
        return detail


class Running(NamedTuple):
    url: str
    service: Service

    def connection(self) -> http.client.HTTPConnection:
        place = urlsplit(self.url)
        return http.client.HTTPConnection(place.hostname, place.port, timeout=LIMIT)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str):
        """One request on a connection of its own."""
        connection = self.connection()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, data: bytes | None, path: str = PATH, name="a.wav", **fields: Any):
        """A file as a browser would send it; None sends no file."""
        body, kind = form(data, name, **fields)
        return self.ask("POST", path, body, content_type=kind)


def form(data: bytes | None, name: str = "a.wav", **fields: Any) -> tuple[bytes, str]:
    """A body of multipart/form-data and its type."""
    parts = [
        f'Content-Disposition: form-data; name="{key}"\r\n\r\n{value}'.encode()
        for key, value in fields.items()
    ]
    if data is not None:
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"'
        parts.append(head.encode() + b"\r\n\r\n" + data)
    mark = b"a-boundary-that-no-audio-has"
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    return (
        body + b"--" + mark + b"--\r\n",
        f"multipart/form-data; boundary={mark.decode()}",
    )


@contextmanager
def running(
    limits: Limits | None = None,
    load: Any = None,
    wait: bool = True,
    extras: Extras = NONE,
) -> Iterator[Running]:
    """As `scripts/serve.py` serves, but in a thread; `wait` until it is ready."""
    from src.service.app import create_app
    from src.service.launch import Address, bind, make_server

    limits = limits or Limits(drain_s=5)
    bound, address = bind(Address(port=0))
    load = load or load_served(checkpoint())
    app = create_app(load, limits, extras=extras, hosts=address.hosts)
    server = make_server(app, limits)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [bound]}, daemon=True
    )
    thread.start()
    service = app.state.service
    try:
        until(lambda: service.served is not None or not wait)
        yield Running(address.url, service)
    finally:
        server.should_exit = True
        thread.join(LIMIT)
        assert not thread.is_alive(), "the service does not stop"


def until(condition: Any, seconds: float = LIMIT) -> None:
    """Wait for it, but not for ever."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.005)


def wav(seconds: float = 0.5, rate: int = 8000, channels: int = 1) -> bytes:
    """A file of a tone that begins and ends, as 16-bit PCM."""
    return wav_of(tone(seconds, rate), rate, channels)


def tone(seconds: float, rate: int = 8000) -> np.ndarray:
    times = np.arange(round(seconds * rate)) / rate
    loud = 8000 * np.sin(np.pi * times / max(seconds, 1e-9)) ** 2
    return (loud * np.sin(2 * np.pi * (300 + 200 * times) * times)).astype("<i2")


def wav_of(samples: np.ndarray, rate: int = 8000, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(np.repeat(samples, channels).tobytes())
    return file.getvalue()
