"""Curves of runs as the page draws them: a metric over steps, tokens, CPU-seconds."""

import math
from pathlib import Path
from typing import Any

from ..evolution.study_scores import read_metrics


LONGEST = 150
"""Points of a curve; of more, evenly spaced ones and the last are kept."""
SPLITS = {"train": "training", "val": "validation"}
NO_METRIC = ("step", "epoch", "split")

Curve = dict[str, Any]
"""row, seed, and equally long lists: y, and x for each axis that is known."""


class Curves:
    """Collects the curves of a table's rows by metric, such as `bpb, validation`."""

    def __init__(self) -> None:
        self.found: dict[str, list[Curve]] = {}

    def add(
        self, metric: str, row: int, seed: int, y: list[float], **x: list[float]
    ) -> None:
        """One curve; `x` are its axes by name."""
        keep = kept(len(y))
        axes = {axis: [values[i] for i in keep] for axis, values in x.items()}
        curve = {"row": row, "seed": seed, "y": [y[i] for i in keep], "x": axes}
        self.found.setdefault(metric, []).append(curve)

    def add_run(
        self, run: Path, row: int, seed: int, tokens: float = 0.0, seconds: float = 0.0
    ) -> bool:
        """All that a run's metrics.csv has; False where it cannot be read.

        `tokens` and `seconds` are those of a step, 0 where that is not known.
        """
        try:
            rows = read_metrics(run)
            columns = [name for name in rows[0] if name not in NO_METRIC]
            for split, shown in SPLITS.items():
                mine = [line for line in rows if line["split"] == split]
                for name in columns:
                    points = [(int(one["step"]), number(one[name])) for one in mine]
                    known = [(x, y) for x, y in points if y is not None]
                    if not known:
                        continue
                    steps, y = (list(part) for part in zip(*known, strict=True))
                    x = {"steps": steps}
                    for axis, each in (("tokens", tokens), ("seconds", seconds)):
                        if each:
                            x[axis] = [step * each for step in steps]
                    self.add(f"{name}, {shown}", row, seed, y, **x)
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            return False
        return True

    def axes(self) -> list[str]:
        """The axes that any curve has."""
        every = [curve["x"] for curves in self.found.values() for curve in curves]
        return list(dict.fromkeys(axis for x in every for axis in x))


def kept(count: int) -> list[int]:
    """Which of `count` points stay: all, or LONGEST evenly spaced, ends included."""
    if count <= LONGEST:
        return list(range(count))
    return [round(i * (count - 1) / (LONGEST - 1)) for i in range(LONGEST)]


def number(text: Any) -> float | None:
    """A finite number, from a cell of a table; None for anything else."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
