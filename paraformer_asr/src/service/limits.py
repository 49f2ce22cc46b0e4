"""What the service takes at most, and how long it waits for whom."""

from dataclasses import dataclass

from ..utils.errors import InputError


@dataclass(frozen=True, slots=True)
class Limits:
    """Each limit is answered in words: 408, 413, 503, 504, or a last socket message."""

    megabytes: float = 25.0
    """Of a request's body (10^6 bytes); OpenAI's own limit."""
    seconds: float = 600.0
    """Of audio in a file, counted while it is decoded, whatever its header says."""
    inspect_seconds: float = 60.0
    """Of audio in a file whose inner values are asked for."""
    queue: int = 8
    """Requests that wait for the model or use it; one more gets 503."""
    deadline_s: float = 60.0
    """From the last byte of the body to the answer."""
    head_s: float = 10.0
    """From the first byte of a request to the end of its headers."""
    body_s: float = 30.0
    """From the headers to the last byte of the body."""
    connections: int = 256
    sockets: int = 4
    """Streams at one time."""
    stream_seconds: float = 60.0
    """Of audio in a stream."""
    message_bytes: int = 1 << 20
    """Of one message of a stream."""
    idle_s: float = 15.0
    """Between two messages of a stream."""
    drain_s: float = 10.0
    """From SIGTERM to the end of the requests that are being answered."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise InputError(f"{name} = {value}: must be a number above 0")

    @property
    def bytes(self) -> int:
        return int(self.megabytes * 1e6)
