"""What all routes share: the model's thread, its recogniser, the limits, the counts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..app.choice import NONE, Extras, digest, model_name
from ..app.page import Page
from ..utils.latest import resolve
from .limits import Limits
from .metrics import Metrics
from .worker import Worker


class Served(NamedTuple):
    """A recogniser, and what answers say of it."""

    recognizer: Any
    name: str
    checkpoint: str  # first 12 hex digits of the file's SHA-256
    created: int  # seconds since 1970


class Service:
    """Alive at once; ready when `load` has come back from the model's thread."""

    def __init__(
        self,
        load: Callable[[], Served],
        limits: Limits,
        extras: Extras = NONE,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        self.limits, self.extras, self.hosts = limits, extras, hosts
        self.metrics = Metrics()
        self.worker = Worker(limits.queue)
        self.served: Served | None = None
        self.page: Page | None = None
        self.failure: Exception | None = None
        """Why it will never be ready."""
        self.streams = 0
        self._load = load
        self.metrics.gauge("asr_queue_length", lambda: self.worker.inside)
        self.metrics.gauge("asr_streams", lambda: self.streams)
        self.metrics.gauge("asr_ready", lambda: self.served is not None)

    async def start(self) -> None:
        await self.worker.run(self._ready, bounded=False)

    def _ready(self) -> None:
        """In the model's thread, so that whatever it does next is answered."""
        try:
            self._get_ready()
        except Exception as error:
            self.failure = error
            raise

    def _get_ready(self) -> None:
        from ..app.asking import checked
        from ..app.build import build

        served = self._load()
        page = build(
            served.recognizer,
            served.name,
            served.checkpoint,
            self.extras,
            seconds=self.limits.seconds,
            picture_seconds=self.limits.inspect_seconds,
        )
        self.page, self.served = checked(page), served


def load_served(checkpoint: Path, threads: int = 0) -> Callable[[], Served]:
    """A call that loads `checkpoint` and warms it up, in the thread that makes it.

    It is the one to import torch, which takes seconds: the page is there before.
    """

    def load() -> Served:
        import torch

        from ..app.build import load_usable

        if threads:
            torch.set_num_threads(threads)
        path = resolve(checkpoint)
        recognizer = load_usable(path)
        rate = recognizer.sample_rate
        recognizer.transcribe(torch.zeros(rate), rate)
        created = int(path.stat().st_mtime)
        return Served(recognizer, model_name(path), digest(path), created)

    return load
