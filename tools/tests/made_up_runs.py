"""Run folders as the sub-projects leave them, without any training."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tools.tests.fake import write


CONFIG = {"seed": 0, "model": {"name": "net", "width": 8}, "optim": {"lr": 0.1}}
EVIL = "</script><script>window.owned = 1</script><img src=x onerror=owned=1>"


def make_run(
    runs: Path,
    name: str,
    config: Mapping | None = None,
    losses: Sequence[float] = (),
    *,
    minute: int = 0,
    status: str = "done",
    pictures: Sequence[str] = (),
) -> Path:
    """A folder with a validation every 10 steps, 20 of them or one a loss."""
    losses = losses or [math.exp(-n / 5) for n in range(1, 21)]
    settings = {**CONFIG, "train": {"monitor": "accuracy"}, **(config or {})}
    path = runs / name
    write(path / "config.yaml", json.dumps(settings))  # JSON is YAML too
    start = f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00+00:00"
    meta = {
        "command": ["train.py", "--name", name],
        "start": start,
        "status": status,
        "seed": settings["seed"],
    }
    write(path / "meta.json", json.dumps(meta))
    best = {"loss": losses[-1], "accuracy": 0.9 + settings["seed"] / 100}
    steps = 10 * len(losses)
    summary = {"best": best, "steps": steps, "seconds": 2.5, "parameters": 1234}
    if status == "done":
        write(path / "summary.json", json.dumps(summary))
    write(path / "metrics.csv", _metrics(losses))
    begun, ended = (
        json.dumps({"t": time, "step": step, "event": event})
        for time, step, event in [
            (start, 0, "start"),
            (start.replace(":00+", ":50+"), steps, "checkpoint"),
        ]
    )
    write(path / "events.jsonl", f"{begun}\n{ended}\n")
    for picture in pictures:
        draw(path / picture)
    return path


def draw(path: Path, size: tuple[int, int] = (60, 40)) -> Path:
    """A PNG in which no two points are like each other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    points = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(points).save(path)
    return path


def _metrics(losses: Sequence[float]) -> str:
    file = io.StringIO()
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(["step", "epoch", "split", "loss", "lr", "accuracy"])
    for number, loss in enumerate(losses, 1):
        lines.writerow([10 * number - 5, number, "train", loss * 2, 0.1, ""])
        lines.writerow([10 * number, number, "val", loss, "", number / 40])
    return file.getvalue()
