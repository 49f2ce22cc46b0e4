"""What the finished runs of a study reach on the problems that none of them saw."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..inference.evaluate import evaluate
from ..utils.errors import FaultError, InputError
from ..utils.logging import log
from .children import state_of
from .study_plan import BASE, StudyPlan


STAGE = "supervised"
"""The first stage of a run, and its checkpoint: checkpoints/supervised.pt."""


class Score(NamedTuple):
    name: str
    """Of the arm; NAME.base for what its first stage left."""
    arm: str
    seed: int
    values: dict[str, float]
    data: str
    """Fingerprint of what it was trained and scored on."""
    cpu_seconds: float
    """Of the process, all in; NaN for a base, which is a part of a run."""
    peak_bytes: int
    steps: int
    epochs: int

    @property
    def is_base(self) -> bool:
        return self.name.endswith(BASE)


class Used(NamedTuple):
    """By a run, all attempts together."""

    cpu_seconds: float
    """Of its process, imports and pictures included."""
    trained: float
    """Of its epochs, evaluations included."""
    peak_bytes: int


def read_scores(plan: StudyPlan, folder: Path) -> tuple[list[Score], dict[str, str]]:
    """Score all finished runs, those that were not yet; and why some could not be."""
    scores: list[Score] = []
    failed: dict[str, str] = {}
    for name in plan.arms:
        for seed in plan.study.seeds:
            run = folder / f"{name}-s{seed}"
            if state_of(run) != "done":
                continue
            try:
                scores += _read_run(plan, name, seed, run)
            except FaultError as error:  # such as a model that gives NaN
                log.warning(f"{run.name} has no score: {error}")
                failed[run.name] = str(error)
    return scores, failed


def _read_run(plan: StudyPlan, name: str, seed: int, run: Path) -> list[Score]:
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    used = used_by(run, summary)
    found = []
    for stage in (STAGE, plan.study.checkpoint):
        checkpoint = run / "checkpoints" / f"{stage}.pt"
        if stage == STAGE and not checkpoint.exists():
            continue  # the whole run is one stage
        base = stage == STAGE
        result = score(checkpoint, plan.study.split, run / "eval" / stage)
        found.append(
            Score(
                name=f"{name}{BASE}" if base else name,
                arm=name,
                seed=seed,
                values=_choose(plan, result, run),
                data=str(result.get("data_fingerprint", "")),
                cpu_seconds=float("nan") if base else used.cpu_seconds,
                peak_bytes=used.peak_bytes,
                steps=summary["steps"],
                epochs=summary["epochs"],
            )
        )
    return found


def used_by(run: Path, summary: dict[str, Any]) -> Used:
    """What a finished run used, by its child.json and its summary."""
    try:
        child = json.loads((run / "child.json").read_text("utf-8"))
        cpu, peak = float(child["cpu_seconds"]), int(child["peak_bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        cpu, peak = 0.0, 0
    # Of a run that went on, the time of its last attempt is known, or only its end.
    share = 1 - summary["since_step"] / summary["steps"]
    trained = summary["cpu_seconds"] / share if share else cpu
    # A killed study wrote nothing of the attempt: then what was trained is more.
    return Used(max(cpu, trained), trained, peak)


def score(checkpoint: Path, split: str, out: Path) -> dict[str, Any]:
    """The evaluation of a checkpoint, made once: kept in `out` while it stays."""
    kept = out / f"{split}.json"
    try:
        if kept.stat().st_mtime_ns > checkpoint.stat().st_mtime_ns:
            return json.loads(kept.read_text("utf-8"))
    except (OSError, ValueError):
        pass
    result = evaluate(checkpoint, split, out, device="cpu", quiet=True)
    log.info(f"{checkpoint.parents[1].name}  {checkpoint.stem} scored on {split}")
    return result


def _choose(plan: StudyPlan, result: dict[str, Any], run: Path) -> dict[str, float]:
    values = {}
    for name in plan.study.metrics:
        if name not in result or isinstance(result[name], str):
            known = [k for k, v in result.items() if isinstance(v, float)]
            raise InputError(
                f"{plan.path}: metrics: {name} is not in the evaluation of {run}, "
                f"which has {', '.join(known)}"
            )
        found = result[name]  # None in a file, where it was NaN
        values[name] = float("nan") if found is None else float(found)
    return values


def read_metrics(run: Path) -> list[dict[str, str]]:
    """The rows of metrics.csv."""
    with open(run / "metrics.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_curve(run: Path, column: str) -> list[tuple[int, float]]:
    """(step, value) of a column where it has one: train rows, or else val rows."""
    points: dict[str, list[tuple[int, float]]] = {"train": [], "val": []}
    for row in read_metrics(run):
        if row.get(column) and row["split"] in points:
            points[row["split"]].append((int(row["step"]), float(row[column])))
    return points["train"] or points["val"]


def to_csv(scores: Sequence[Score], metrics: Sequence[str]) -> str:
    """A line a run and stage."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    facts = ("cpu_seconds", "peak_bytes", "steps", "epochs")
    writer.writerow(["arm", "stage", "seed", *metrics, *facts])
    for s in scores:
        numbers = [s.values[name] for name in metrics]
        cells = [*numbers, *(getattr(s, name) for name in facts)]
        shown = [f"{v:.6g}" if isinstance(v, float) else v for v in cells]
        shown = ["" if v == "nan" else v for v in shown]
        stage = "base" if s.is_base else "final"
        writer.writerow([s.arm, stage, s.seed, *shown])
    return text.getvalue()
