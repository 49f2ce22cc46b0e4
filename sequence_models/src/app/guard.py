# pattern: app/guard.py -- the same in every sub-project; edit one, then: python -m tools.copies sync app/guard.py --from <sub-project>
"""Around every request: who may ask, how much, and what a browser may do with it."""

import json
from typing import Any

from ..utils.logging import log
from .uploads import MAX_BYTES


MAX_BODY = 2 * (MAX_BYTES * 4 // 3) + 2**16
"""Two files in base64, such as an image and its mask, and the parameters around."""


class Guard:
    """Plain ASGI. Only a page of this address may ask, and no more than MAX_BODY."""

    def __init__(self, app: Any, port: int, policy: str) -> None:
        self.app = app
        self.headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"content-security-policy", policy.encode()),
        ]
        names = {"127.0.0.1", "localhost"}
        self.hosts = {f"{name}:{port}" for name in names}
        if port == 80:  # browsers leave it out
            self.hosts |= names

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, got, whole = False, 0, False

        async def counted() -> dict:
            nonlocal got, whole
            message = await receive()
            if message["type"] == "http.disconnect" and not whole:
                raise _Left
            whole = not message.get("more_body", False)
            got += len(message.get("body", b""))
            if got > MAX_BODY:
                raise _Refused(413, f"more than {MAX_BODY >> 20} MiB; send less")
            return message

        async def guarded(message: dict) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = [*message.get("headers", ()), *self.headers]
                message = message | {"headers": headers}
            await send(message)

        try:
            self._check(scope)
            await self.app(scope, counted, guarded)
        except _Refused as refused:
            await _answer(guarded, refused.status, str(refused))
        except _Left:
            return
        except Exception:
            log.exception("a request failed")
            if not started:
                await _answer(guarded, 500, "a fault of ours: see the terminal")

    def _check(self, scope: dict) -> None:
        """Another site that points a name here, or posts from afar, gets nothing."""
        headers = {
            k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]
        }
        if headers.get("host", "") not in self.hosts:
            raise _Refused(403, "this page answers only on this machine")
        origin = headers.get("origin", "")
        if origin and origin.removeprefix("http://") not in self.hosts:
            raise _Refused(403, "only this page itself may ask")
        asks = scope["path"].startswith(("/ask/", "/listen/"))
        site = headers.get("sec-fetch-site", "none")
        if asks and site not in ("none", "same-origin"):
            raise _Refused(403, "only this page itself may ask")
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if scope["method"] == "POST" and kind != "application/json":
            raise _Refused(415, "a question is application/json")


class _Left(Exception):
    """The visitor has gone before the question had ended."""


class _Refused(Exception):
    def __init__(self, status: int, fault: str) -> None:
        super().__init__(fault)
        self.status = status


async def _answer(send: Any, status: int, fault: str) -> None:
    content = json.dumps({"fault": fault}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
