"""Counters of the service in Prometheus' text format, version 0.0.4."""

import threading
from collections.abc import Callable


BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Upper ends of a histogram of seconds."""
FAMILIES = {
    "asr_requests_total": ("counter", "Answers by route, method and status."),
    "asr_request_seconds": ("histogram", "From the headers to the end of the answer."),
    "asr_audio_seconds_total": ("counter", "Seconds of audio that were recognised."),
    "asr_model_seconds_total": ("counter", "Seconds that recognising took."),
    "asr_streams_total": ("counter", "Streams that ended, by how."),
    "asr_queue_length": ("gauge", "Calls that wait for the model or use it."),
    "asr_streams": ("gauge", "Streams that are open."),
    "asr_ready": ("gauge", "1 once the model is loaded and warm."),
}


class Metrics:
    """Values by name and labels; both are ours, never what a client sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, dict[str, float]] = {name: {} for name in FAMILIES}
        self._gauges: dict[str, Callable[[], float]] = {}

    def add(self, name: str, value: float = 1.0, **labels: str) -> None:
        with self._lock:
            self._add(name, name, value, labels)

    def time(self, name: str, seconds: float, **labels: str) -> None:
        """Count `seconds` in the histogram `name`."""
        with self._lock:
            for bound in BOUNDS:
                within = labels | {"le": f"{bound:g}"}
                self._add(name, f"{name}_bucket", float(seconds <= bound), within)
            self._add(name, f"{name}_bucket", 1.0, labels | {"le": "+Inf"})
            self._add(name, f"{name}_sum", seconds, labels)
            self._add(name, f"{name}_count", 1.0, labels)

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """Let `read` say the value whenever it is asked for."""
        self._gauges[name] = read

    def text(self) -> str:
        lines = []
        with self._lock:
            for name, (kind, help) in FAMILIES.items():
                values = self._values[name]
                if name in self._gauges:
                    values = {name: float(self._gauges[name]())}
                if values:
                    lines += [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]
                    lines += [f"{key} {value!r}" for key, value in values.items()]
        return "\n".join(lines) + "\n"

    def _add(self, family: str, name: str, value: float, labels: dict) -> None:
        inside = ",".join(f'{label}="{text}"' for label, text in labels.items())
        key = f"{name}{{{inside}}}" if inside else name
        values = self._values[family]
        values[key] = values.get(key, 0.0) + value
