"""What all routes share: the model's thread, its recogniser, the limits, the counts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..app.build import NONE, Extras, build, digest, load_usable, model_name
from ..app.page import Page
from ..utils.run_dir import resolve
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
        self, load: Callable[[], Served], limits: Limits, extras: Extras = NONE
    ) -> None:
        self.limits, self.extras = limits, extras
        self.metrics = Metrics()
        self.worker = Worker(limits.queue)
        self.served: Served | None = None
        self.page: Page | None = None
        self.streams = 0
        self._load = load
        self.metrics.gauge("asr_queue_length", lambda: self.worker.inside)
        self.metrics.gauge("asr_streams", lambda: self.streams)
        self.metrics.gauge("asr_ready", lambda: self.served is not None)

    async def start(self) -> None:
        await self.worker.run(self._ready, bounded=False)

    def _ready(self) -> None:
        """In the model's thread, so that whatever it does next is answered."""
        from ..app.asking import checked

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
    """A call that loads `checkpoint` and warms it up, in the thread that makes it."""

    def load() -> Served:
        if threads:
            torch.set_num_threads(threads)
        path = resolve(checkpoint)
        recognizer = load_usable(path)
        rate = recognizer.sample_rate
        recognizer.transcribe(torch.zeros(rate), rate)
        created = int(path.stat().st_mtime)
        return Served(recognizer, model_name(path), digest(path), created)

    return load
