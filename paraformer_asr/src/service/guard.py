"""Around every request: its id, its limits, its line in the log, its count.

Plain ASGI. What a client may do wrong with the connection itself ends here: too large,
too slow, of another type, or a fault of ours; each is one sentence as JSON.
"""

import asyncio
import json
import re
import time
import uuid
from email.message import Message
from typing import Any

from ..utils.logging import log
from .limits import Limits
from .metrics import Metrics
from .refusals import body, refusal


PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
ASKED = "/ask/"
"""Below it the page asks, in JSON: a file in base64, a fault as an answer."""
TAIL = 1024
"""Bytes at the end of a form that must have its last boundary."""
HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


class Guard:
    """Middleware; at the paths `bodies` only multipart/form-data is taken.

    `policy` is the Content-Security-Policy of the page; `hosts` are the names under
    which a service of this machine alone is asked, nothing for one that others reach.
    """

    def __init__(
        self,
        app: Any,
        limits: Limits,
        metrics: Metrics,
        bodies: tuple[str, ...],
        policy: str,
        hosts: frozenset[str],
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.limits = limits
        self.metrics = metrics
        self.bodies = bodies
        self.headers = HEADERS | {"content-security-policy": policy}

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = _Request(scope, receive, send, self.limits, self.headers)
        started = time.monotonic()
        try:
            request.check_origin(self.hosts)
            if scope["method"] == "POST" and scope["path"] in self.bodies:
                request.check_headers()
            elif scope["path"].startswith(ASKED):
                request.check_question()
            await self.app(scope, request.receive, request.send)
        except Exception as error:
            if hasattr(error, "status_code"):
                await request.refuse(error.status_code, error.detail)
                return
            log.exception("request %s failed", request.id)
            await request.refuse(500, f"a fault of the service; request {request.id}")
        finally:
            self._count(request, time.monotonic() - started)

    def _count(self, request: "_Request", seconds: float) -> None:
        path = request.scope["path"]
        known = path if path in self.bodies else "other"
        route = getattr(request.scope.get("route"), "path", known)
        method = request.scope["method"] if route != "other" else "any"
        status = str(request.status)
        self.metrics.add(
            "asr_requests_total", route=route, method=method, status=status
        )
        if route in self.bodies:
            self.metrics.time("asr_request_seconds", seconds, route=route)
        if route not in QUIET:
            line = "%s %s %s %.3f s %s"
            log.info(line, method, route, status, seconds, request.id)


QUIET = ("/healthz", "/readyz", "/metrics", "/page/{name}")
"""Routes that are asked for too often for a line each."""


class _Request:
    """One request: counts what comes in, adds headers to what goes out."""

    def __init__(
        self, scope: dict, receive: Any, send: Any, limits: Limits, own: dict[str, str]
    ) -> None:
        self.scope = scope
        self.limits = limits
        self.own = own
        asks = scope["path"].startswith(ASKED)
        self.most = limits.bytes * 4 // 3 + 2**16 if asks else limits.bytes
        self.headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        given = self.headers.get("x-request-id", "")
        self.id = given if PLAIN_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = self.id
        self.status = 499  # what nginx calls a client that left before its answer
        self._receive = receive
        self._send = send
        self._got = 0
        self._whole = False
        self._end = b""
        """Of a form: what its last bytes hold, once it is known."""
        self._last = b""
        self._until = time.monotonic() + limits.body_s

    def check_origin(self, hosts: frozenset[str]) -> None:
        """Refuse sites that let their own name point here, or post from afar."""
        host = self.headers.get("host", "")
        if hosts and host not in hosts:
            raise refusal(
                403,
                f"this service answers as {' or '.join(sorted(hosts))}, not as "
                f"{host[:60] or 'nothing'}: a proxy in front must send that Host",
            )
        site = self.headers.get("sec-fetch-site", "none")
        if self.scope["method"] == "POST" and site not in ("none", "same-origin"):
            raise refusal(403, "pages of another site may not ask this one")

    def check_headers(self) -> None:
        """Refuse by type and announced length, before a byte of the body is read."""
        kind = self.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "multipart/form-data":
            raise refusal(
                415,
                f"the body must be multipart/form-data with a part `file`, "
                f"not {kind[:40] or 'of no type'}",
            )
        known = Message()
        known["content-type"] = self.headers["content-type"]
        boundary = known.get_param("boundary", "")
        if isinstance(boundary, str) and boundary:
            self._end = f"--{boundary}--".encode("latin-1")
        length = self.headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > self.most:
            self._refuse_size()

    def check_question(self) -> None:
        """Pages of other sites cannot send JSON without being asked first."""
        kind = self.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise refusal(415, "a question is application/json")

    async def receive(self) -> dict:
        if self._whole:
            return await self._receive()
        try:
            left = self._until - time.monotonic()
            message = await asyncio.wait_for(self._receive(), max(0.001, left))
        except TimeoutError:
            limit = self.limits.body_s
            raise refusal(408, f"the body took longer than {limit:g} s") from None
        self._got += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._got > self.most:
            self._refuse_size()
        self._last = (self._last + message.get("body", b""))[-TAIL:]
        if self._whole and self._end not in self._last:
            raise refusal(400, "the body is cut short: its form does not end")
        return message

    def _refuse_size(self) -> None:
        limit = self.limits.megabytes
        raise refusal(413, f"the body is larger than {limit:g} MB, the limit")

    async def send(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = self.own | {"x-request-id": self.id}
            extra = [(k.encode(), v.encode()) for k, v in own.items()]
            message = message | {"headers": [*message.get("headers", ()), *extra]}
        await self._send(message)

    async def refuse(self, status: int, detail: str) -> None:
        """Answer in the one shape of errors, unless an answer has begun."""
        if self.status != 499:
            return
        content = json.dumps(body(status, detail))
        if status != 403 and self.scope["path"].startswith(ASKED):
            status, content = 200, json.dumps({"fault": detail})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await self.send(start)
        await self.send({"type": "http.response.body", "body": content.encode()})
