"""A limit on the time between the first byte of a request and its last header.

uvicorn waits for ever for the rest of half a request line; so does a slow attacker.
"""

import asyncio
from typing import Any


def patient_protocol(seconds: float) -> type[asyncio.Protocol]:
    """uvicorn's protocol, which hangs up when a head takes longer than `seconds`.

    The same clock ends a connection that still sends a body after its answer is given,
    and one that never sends anything.
    """
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    class Patient(AutoHTTPProtocol):
        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def _wait(self) -> None:
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop_waiting()  # the head is here: the body has its own limit
            elif self._late is None:
                self._late = self.loop.call_later(seconds, self._hang_up)

        def _stop_waiting(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _hang_up(self) -> None:
            self._late = None
            if self.transport.get_protocol() is self:  # not a WebSocket by now
                self.transport.close()

    return Patient
