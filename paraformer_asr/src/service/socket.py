"""`/v1/audio/stream`: audio comes in, partial transcripts go out while it is spoken.

First message: {"sample_rate": 16000}. Then binary messages of 16-bit little-endian mono
samples, then {"type": "end"}. Answers: ready, partial..., final; or error, and closed.
"""

import asyncio
import json
import time
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from ..utils.logging import log
from .state import Service
from .worker import TooLate


REFUSED, TOO_LARGE, AGAIN_LATER, FAULT = 1008, 1009, 1013, 1011
"""Codes with which the socket is closed after an error (RFC 6455, 7.4.1)."""


class StreamError(Exception):
    """Ends a stream with a sentence and a code."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def add_socket(app: Any, service: Service) -> None:
    from fastapi import WebSocket, WebSocketDisconnect

    @app.websocket("/v1/audio/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        outcome = "done"
        try:
            _admit(service, socket)
            service.streams += 1
            try:
                await _Stream(service, socket).run()
            finally:
                service.streams -= 1
            await socket.close()
        except WebSocketDisconnect:
            outcome = "left"
        except StreamError as error:
            outcome = str(error.code)
            await _end(socket, error.code, str(error))
        except Exception:
            outcome = "fault"
            log.exception("a stream failed")
            await _end(socket, FAULT, "a fault of the service")
        service.metrics.add("asr_streams_total", outcome=outcome)


def _admit(service: Service, socket: Any) -> None:
    """Only so many at once, and no page of another site: browsers say whose it is."""
    origin, host = socket.headers.get("origin"), socket.headers.get("host", "")
    named = not service.hosts or host in service.hosts
    if not named or (origin and urlsplit(origin).netloc != host):
        raise StreamError(REFUSED, "pages of another site may not stream to this one")
    if service.served is None:
        raise StreamError(AGAIN_LATER, "the model is being loaded")
    if service.streams >= service.limits.sockets:
        most = service.limits.sockets
        raise StreamError(AGAIN_LATER, f"{most} streams are open, the most at one time")


async def _end(socket: Any, code: int, detail: str) -> None:
    try:
        await socket.send_json({"type": "error", "detail": detail})
        await socket.close(code)
    except RuntimeError:
        pass  # the client was faster


class _Stream:
    """One socket: takes audio while the model's thread works on what came before."""

    def __init__(self, service: Service, socket: Any) -> None:
        self.service = service
        self.socket = socket
        self.limits = service.limits
        self.waiting = bytearray()  # samples that the model has not been given
        self.got = 0  # bytes of samples
        self.came = asyncio.Event()  # something to do: samples, or the end
        self.ended = False

    async def run(self) -> None:
        transcribing = await self._begin()
        answering = asyncio.ensure_future(self._answer(transcribing))
        taking = asyncio.ensure_future(self._take(transcribing.rate))
        both = {answering, taking}
        try:
            while both:
                done, both = await asyncio.wait(
                    both, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
        finally:
            answering.cancel()
            taking.cancel()
            await asyncio.gather(answering, taking, return_exceptions=True)

    async def _begin(self) -> Any:
        from ..audio.wav import RATES
        from .transcribing import open_transcribing

        first = await self._message()
        if not isinstance(first, dict) or set(first) - {"type", "sample_rate"}:
            raise StreamError(REFUSED, 'the first message must be {"sample_rate": N}')
        rate = first.get("sample_rate")
        if type(rate) is not int or rate not in RATES:
            raise StreamError(
                REFUSED,
                f"sample_rate must be a whole number from {RATES[0]} to {RATES[-1]}",
            )
        transcribing = open_transcribing(self.service.served.recognizer, rate)
        await self.socket.send_json(
            {
                "type": "ready",
                "mode": transcribing.mode,
                "note": transcribing.note,
                "model": self.service.served.name,
                "max_seconds": self.limits.stream_seconds,
            }
        )
        return transcribing

    async def _take(self, rate: int) -> None:
        """Collect samples until the client says that this was all."""
        most = 2 * int(self.limits.stream_seconds * rate)
        while not self.ended:
            message = await self._message()
            if isinstance(message, dict):
                if message != {"type": "end"}:
                    raise StreamError(REFUSED, 'only {"type": "end"} may follow')
                self.ended = True
            elif len(message) % 2:
                raise StreamError(
                    REFUSED, f"{len(message)} bytes are no whole 16-bit samples"
                )
            else:
                self.got += len(message)
                if self.got > most:
                    limit = self.limits.stream_seconds
                    raise StreamError(TOO_LARGE, f"more than {limit:g} s of audio")
                self.waiting += message
            self.came.set()

    async def _answer(self, transcribing: Any) -> None:
        """Give the model what has come, at most as often as `transcribing` asks for."""
        said = ""
        while True:
            await self.came.wait()
            self.came.clear()
            ended, samples = self.ended, bytes(self.waiting)
            self.waiting.clear()
            started = time.monotonic()
            answer = await self._run(partial(transcribing.push, samples, ended))
            if ended:
                await self.socket.send_json({"type": "final"} | answer)
                return
            if answer["text"] != said:
                said = answer["text"]
                await self.socket.send_json({"type": "partial"} | answer)
            took = time.monotonic() - started
            await self._pause(max(transcribing.every_s - took, 2 * took))

    async def _pause(self, seconds: float) -> None:
        """Let more come; two thirds of the model's time are left to others."""
        until = time.monotonic() + seconds
        while not self.ended and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.05))

    async def _run(self, call: Any) -> dict[str, Any]:
        try:
            return await self.service.worker.run(
                call, deadline_s=self.limits.deadline_s, bounded=False
            )
        except TooLate:
            late = f"the model did not answer in {self.limits.deadline_s:g} s"
            raise StreamError(AGAIN_LATER, late) from None

    async def _message(self) -> dict | bytes:
        """The next message, parsed if it is text."""
        from fastapi import WebSocketDisconnect

        idle = self.limits.idle_s
        try:
            message = await asyncio.wait_for(self.socket.receive(), idle)
        except TimeoutError:
            raise StreamError(REFUSED, f"nothing came for {idle:g} s") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        if message.get("bytes") is not None:
            return self._of_size(message["bytes"])
        text = self._of_size(message.get("text") or "")
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            raise StreamError(REFUSED, "a text message must be JSON") from None
        if not isinstance(parsed, dict):
            raise StreamError(REFUSED, "a text message must be a JSON object")
        return parsed

    def _of_size(self, message: Any) -> Any:
        most = self.limits.message_bytes
        if len(message) > most:
            raise StreamError(TOO_LARGE, f"a message may have {most} bytes at most")
        return message
