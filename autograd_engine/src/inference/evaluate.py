"""Score a checkpoint on a split of its data."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Splits, open_data
from ..metrics import precision, recall, wilson_interval
from ..training.draw import draw_confusion
from ..training.predict import sum_over
from ..utils.atomic import write_atomically
from ..utils.device import pick_device
from ..utils.errors import InputError
from ..utils.logging import table
from ..utils.run_dir import to_json
from .predictor import Predictor, load_predictor, output_folder


SPLITS = ("train", "val", "test")
SHOWN = 20
"""Classes in the table; the JSON has all."""


def evaluate(
    checkpoint: Path,
    split: str = "test",
    out: Path | None = None,
    *,
    root: str = "",
    device: str = "auto",
) -> dict[str, Any]:
    """Score `split` of the checkpoint's own data; gives what the JSON file holds.

    `root` is where the data is now, if it was moved. Writes <split>.json, and of
    classes a picture of their confusion.
    """
    if split not in SPLITS:
        raise InputError(f"--split {split}: one of {', '.join(SPLITS)}")
    predictor = load_predictor(checkpoint, pick_device(device))
    splits = _open(predictor, root)
    dataset, task = getattr(splits, split), predictor.task
    size = predictor.config.data.batch_size
    sums = sum_over(predictor.model, task, dataset, size, predictor.device)
    result = {
        "checkpoint": str(checkpoint),
        "split": split,
        "data": predictor.config.data.name,
        "samples": sums["count"],
        **task.metrics(sums),
        "notes": _notes(predictor, splits, split),
    }
    folder = output_folder(predictor, out, "eval")
    written = [f"{split}.json"]
    if task.classes is not None:
        result |= _of_classes(sums["confusion"], task.classes)
        written.append(f"{split}_confusion.png")
        draw_confusion(sums["confusion"], task.classes, folder / written[-1])
    result["files"] = [str(folder / name) for name in written]
    write_atomically(folder / written[0], (to_json(result, indent=2) + "\n").encode())
    return result


def text(result: dict[str, Any]) -> str:
    """The result as tables for a person."""
    numbers = ("loss", "accuracy", "perplexity")
    rows = [(name, float(result[name])) for name in numbers if name in result]
    if "accuracy_interval_95" in result:
        low, high = result["accuracy_interval_95"]
        rows.append(("95 % interval", f"{low:.4f} to {high:.4f}"))
    header = f"{result['data']} {result['split']} · {result['samples']:,} samples"
    parts = [header, "\n".join(_line(*row) for row in rows)]
    classes = result.get("classes", {})
    if 0 < len(classes) <= SHOWN:
        lines = [(name, *values.values()) for name, values in classes.items()]
        parts.append(table(lines, ("class", "samples", "precision", "recall")))
    parts += [f"note   {note}" for note in result["notes"]]
    return "\n".join([*parts, "saved  " + "\n       ".join(result["files"])])


def _line(name: str, value: Any) -> str:
    return f"{name:<14} {value:.4f}" if type(value) is float else f"{name:<14} {value}"


def _open(predictor: Predictor, root: str) -> Splits:
    data = predictor.config.data
    return open_data(replace(data, root=root or data.root), predictor.config.seed)


def _notes(predictor: Predictor, splits: Splits, split: str) -> list[str]:
    notes = []
    if splits.fingerprint != predictor.fingerprint:
        notes.append("the data is not what the model was trained on")
    if split == "train":
        notes.append("the model has seen these samples")
    if splits.info["name"] == "text":
        notes.append("test is the whole validation part: the text has no third one")
    return notes


def _of_classes(counts: np.ndarray, classes: list[str]) -> dict[str, Any]:
    right, total = int(np.trace(counts)), int(counts.sum())
    columns = zip(
        counts.sum(1).tolist(),
        precision(counts).tolist(),
        recall(counts).tolist(),
        strict=True,
    )
    names = ("samples", "precision", "recall")
    per_class = [dict(zip(names, values, strict=True)) for values in columns]
    return {
        "right": right,
        "accuracy_interval_95": list(wilson_interval(right, total)),
        "classes": dict(zip(classes, per_class, strict=True)),
        "confusion": counts.tolist(),
    }
