"""One thread for the model, and a bounded queue before it.

Inference never runs on the event loop: health checks are answered while it computes.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Busy(Exception):
    """The queue is full; `retry_s` is when it should be half empty."""

    def __init__(self, retry_s: int) -> None:
        super().__init__(f"the queue is full; try again in {retry_s} s")
        self.retry_s = retry_s


class TooLate(Exception):
    """The deadline has passed."""


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Worker:
    """Runs calls one after another, in a thread of their own."""

    def __init__(self, queue: int) -> None:
        self.queue = queue
        self.inside = 0
        """Calls that wait or run, those that nobody waits for any more too."""
        self._mean_s = 1.0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="model")

    async def run(
        self,
        call: Callable[[], Any],
        *,
        deadline_s: float | None = None,
        bounded: bool = True,
        gone: Callable[[], Coroutine] | None = None,
    ) -> Any:
        """What `call` gives; raises Busy, TooLate, or ClientGone once `gone()` ends.

        A call that still waits is then taken out of the queue; one that runs, ends.
        `bounded` False is for who has a limit of its own, as streams have.
        """
        future = self._submit(call, bounded)
        answer = asyncio.wrap_future(future)
        # Not before there is room: a refusal would leave it unawaited.
        watch = asyncio.ensure_future(gone()) if gone else None
        try:
            await asyncio.wait(
                {answer, watch} if watch else {answer},
                timeout=deadline_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if answer.done():
                return answer.result()
            answer.add_done_callback(_forget)
            future.cancel()
            raise ClientGone if watch and watch.done() else TooLate
        finally:
            if watch:
                watch.cancel()

    def stop(self) -> None:
        """Take no more calls and drop those that wait; does not wait for the last."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def retry_s(self) -> int:
        """Whole seconds in which half of the queue should be done; at most a minute."""
        return min(60, max(1, math.ceil(self._mean_s * self.inside / 2)))

    def _submit(self, call: Callable[[], Any], bounded: bool) -> Future:
        with self._lock:
            if bounded and self.inside >= self.queue:
                raise Busy(self.retry_s())
            self.inside += 1
        future = self._pool.submit(self._timed, call)
        future.add_done_callback(self._left)
        return future

    def _timed(self, call: Callable[[], Any]) -> Any:
        started = time.monotonic()
        try:
            return call()
        finally:
            self._mean_s += 0.2 * (time.monotonic() - started - self._mean_s)

    def _left(self, future: Future) -> None:
        with self._lock:
            self.inside -= 1


def _forget(answer: asyncio.Future) -> None:
    """Take the result that nobody waits for, or asyncio reports it as lost."""
    if not answer.cancelled():
        answer.exception()


async def left(request: Any) -> None:
    """Ends when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
