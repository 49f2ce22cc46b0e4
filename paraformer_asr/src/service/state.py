"""What all routes share: the model's thread, its recogniser, the limits, the counts."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

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

    def __init__(self, load: Callable[[], Served], limits: Limits) -> None:
        self.limits = limits
        self.metrics = Metrics()
        self.worker = Worker(limits.queue)
        self.served: Served | None = None
        self.streams = 0
        self._load = load
        self.metrics.gauge("asr_queue_length", lambda: self.worker.inside)
        self.metrics.gauge("asr_streams", lambda: self.streams)
        self.metrics.gauge("asr_ready", lambda: self.served is not None)

    async def start(self) -> None:
        self.served = await self.worker.run(self._load, bounded=False)


def load_served(checkpoint: Path, threads: int = 0) -> Callable[[], Served]:
    """A call that loads `checkpoint` and warms it up, in the thread that makes it."""

    def load() -> Served:
        from ..inference.recognizer import Recognizer

        if threads:
            torch.set_num_threads(threads)
        path = resolve(checkpoint)
        recognizer = Recognizer.load(path, device="cpu")
        rate = recognizer.sample_rate
        recognizer.transcribe(torch.zeros(rate), rate)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        return Served(recognizer, model_name(path), digest, int(path.stat().st_mtime))

    return load


def model_name(checkpoint: Path) -> str:
    """The run's name for a file in a run folder, the file's stem for another."""
    place = checkpoint.resolve()
    return place.parents[1].name if place.parent.name == "checkpoints" else place.stem
