"""Accuracy of a reasoner against the tokens that are spent on a problem."""

import csv
import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..reasoning.scaling import Point, points
from ..training.load import run_folder
from ..utils.folders import make_folder
from ..utils.logging import table
from ..utils.run_dir import to_json
from .outputs import write_text
from .reason import load_reasoner
from .reason_methods import Methods, Wanted
from .reason_picture import draw_scaling


__all__ = ["Wanted", "scale", "text", "verdict"]

Summary = dict[str, Any]


def scale(
    checkpoint: Path,
    wanted: Wanted,
    out: Path | None = None,
    *,
    device: str = "auto",
    quiet: bool = False,
) -> Summary:
    """Measure, write `test_time.{json,csv,png}` to `out`, and give what the JSON holds.

    Raises InputError for a checkpoint of another task, or an --out that cannot be.
    """
    reasoner = load_reasoner(checkpoint, device)
    out = out or (run_folder(checkpoint) or Path()) / "test_time"
    make_folder(out)
    begun, cpu = time.monotonic(), time.process_time()
    work = Methods(reasoner, wanted, quiet)
    shown = points(work.estimates(), wanted.seed)
    summary: Summary = {
        "checkpoint": str(checkpoint),
        "task": reasoner.name,
        "split": wanted.split,
        "problems": len(work.indices),
        "samples": wanted.samples,
        "seed": wanted.seed,
        "points": [point._asdict() for point in shown],
        "verifier": work.verifier,
        "not_offered": work.missing,
        "seconds": round(time.monotonic() - begun, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "threads": torch.get_num_threads(),
    }
    files = {kind: out / f"test_time.{kind}" for kind in ("json", "csv", "png")}
    summary["files"] = {kind: str(path) for kind, path in files.items()}
    write_text(files["csv"], _csv(shown))
    draw_scaling(shown, _title(summary), files["png"])
    write_text(files["json"], to_json(summary, indent=1) + "\n")
    return summary


def text(summary: Summary, json: bool = False) -> str:
    """For stdout: a table, or all of it as JSON."""
    if json:
        return to_json(summary, indent=1) + "\n"
    rows = [
        (
            one["method"],
            one["budget"],
            f"{one['accuracy']:.3f}",
            f"{one['low']:.3f} to {one['high']:.3f}",
            f"{one['tokens']:6.1f}",
            f"{one['cpu_seconds']:8.2f}",
        )
        for one in summary["points"]
    ]
    head = ("method", "N", "accuracy", "95 % interval", "tokens", "CPU-seconds")
    return f"{_title(summary)}\n\n{table(rows, head)}\n"


def verdict(summary: Summary) -> str:
    """For stderr: how good the verifier is, what was left out, and the files."""
    lines = []
    if verifier := summary["verifier"]:
        lines.append(
            "AUC of the step verifier: "
            f"{verifier['auc']:.3f} on problems of the training kept from it "
            f"({verifier['step_auc']:.3f} before the last step), "
            f"{verifier['test_auc']:.3f} here"
        )
    lines += [f"no {name}: {why}" for name, why in summary["not_offered"].items()]
    lines.append("saved  " + "\n       ".join(summary["files"].values()))
    return "\n".join(lines)


def _title(summary: Summary) -> str:
    return f"{summary['task']}, {summary['problems']} {summary['split']} problems"


def _csv(shown: Sequence[Point]) -> str:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(Point._fields)
    writer.writerows(
        [f"{cell:.6g}" if isinstance(cell, float) else cell for cell in point]
        for point in shown
    )
    return lines.getvalue()
