"""The panel of the evolution: tables of benches and studies with their curves.

What `scripts/evolve.py` and `scripts/reason.py study` left below runs/, the single
runs there, and what the repository has published.
"""

import json
from pathlib import Path
from typing import Any

from ..utils.errors import InputError
from .curves import Curves
from .page import Question
from .published import ROOT, Table, labels, published


COLUMNS = {
    "bpb": "bits per byte",
    "sd": "± sd",
    "loss": "nats a token",
    "accuracy": "accuracy",
    "parameters": "parameters",
    "tokens_per_cpu_second": "tokens per CPU-s",
    "cpu_seconds": "CPU-s a run",
    "peak_mb": "peak MB",
    "steps": "steps",
}
"""Of a bench and of single runs, in this order; a study has its metrics in front."""
AXES = {
    "tokens": "tokens trained on",
    "steps": "optimiser steps",
    "seconds": "CPU-seconds of training",
    "rate": "learning rate",
}
PUBLISHED, SINGLE = "published", "single runs"
MOST = 40
"""Single runs that are shown, the newest."""
SAVED = 4
"""Benches and studies that a saved page holds, the newest."""
NONE = (
    "nothing was run yet and the published table is not here; type: python "
    "scripts/evolve.py --config configs/evolve_small.yaml"
)


class Evolution:
    """What the panel asks for: which tables there are, and each of them."""

    def __init__(self, runs: Path = Path("runs"), root: Path = ROOT) -> None:
        self.runs, self.root = runs, root

    def start(self) -> dict[str, Any]:
        """The tables there are, the newest first, and the first that can be read."""
        sources, why = self._sources(), InputError(NONE)
        for source in sources:
            try:
                table = self.table(source)
            except InputError as error:
                why = error
                continue
            return {
                "sources": [[name, name] for name in sources],
                "source": source,
                "columns": list(COLUMNS.items()),
                "axes": list(AXES.items()),
                "table": table,
            }
        raise why

    def table(self, source: str) -> Table:
        """Rows with their figures, and curves by metric."""
        known = self._sources()
        if source not in known:
            there = ", ".join(known)
            raise InputError(f"{source[:60]!r} is no table here; there is {there}")
        if source == SINGLE:
            return single_runs(self.runs)
        if source == PUBLISHED:
            return published(self.root) or {}
        return read_results(self.runs / source, self.root)

    def exported(self) -> list[Question]:
        """Tables for a saved page: the newest, the published one, the single runs."""
        there = [name for name in self._sources() if self._readable(name)]
        kept = dict.fromkeys([*there[:SAVED], *there[-2:]])
        asked = [("evolution/table", {"source": name}) for name in kept]
        return [("evolution/start", {}), *asked] if asked else []

    def _readable(self, source: str) -> bool:
        try:
            return bool(self.table(source))
        except InputError:
            return False

    def _sources(self) -> list[str]:
        found = [file.parent for file in self.runs.glob("*/results.json")]
        found.sort(key=lambda folder: -(folder / "results.json").stat().st_mtime)
        names = [folder.name for folder in found]
        if published(self.root):
            names.append(PUBLISHED)
        return [*names, SINGLE] if _run_folders(self.runs) else names


def read_results(folder: Path, root: Path = ROOT) -> Table:
    """The results.json of a bench or a study; raises InputError for anything else."""
    path = folder / "results.json"
    try:
        content = json.loads(path.read_text("utf-8"))
        if "study" in content:
            return _study(folder, content)
        called = labels(root / "configs" / f"{content['bench']}.yaml")
        return _bench(folder, content, called)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is not what evolve.py or reason.py study writes "
            f"({type(error).__name__}: {error}); write it again with --report"
        ) from None


def _bench(folder: Path, content: Table, called: dict[str, str]) -> Table:
    rows, places, curves = [], {}, Curves()
    for row in content["rows"]:
        places[row["entry"], row["recipe"]] = len(rows)
        values = {name: row.get(name) for name in COLUMNS if row.get(name) is not None}
        values["peak_mb"] = row["peak_bytes"] / 1e6
        name = called.get(row["entry"], row["entry"])
        rows.append({"name": name, "recipe": row["recipe"], "values": values})
    for run in content["runs"]:
        row = places[run["entry"], run["recipe"]]
        path = folder / f"{run['entry']}-{run['recipe']}-s{run['seed']}"
        fast, steps = run["tokens_per_cpu_second"], _steps(path)
        each = run["tokens"] / steps if steps else 0.0
        if not curves.add_run(path, row, run["seed"], each, each / fast):
            tokens, bpb = (list(part) for part in zip(*run["curve"], strict=True))
            seconds = [t / fast for t in tokens]
            axes = {"tokens": tokens, "seconds": seconds}
            curves.add("bpb, validation", row, run["seed"], bpb, **axes)
    return _table(f"the bench {content['bench']}", content["conclusion"], rows, curves)


def _study(folder: Path, content: Table) -> Table:
    """A row for each arm, and one for what its first stage left."""
    rows, places, curves = [], {}, Curves()
    for row in content["rows"]:
        arm, _, stage = row["name"].partition(".")
        places[row["name"]] = len(rows)
        values = {name: found["mean"] for name, found in row["metrics"].items()}
        values |= {f"± {name}": found["sd"] for name, found in row["metrics"].items()}
        values["cpu_seconds"] = row["cpu_seconds"]["mean"]
        rows.append({"name": arm, "recipe": stage or "final", "values": values})
    for run in content["runs"]:
        if run["name"] == run["arm"]:
            path = folder / f"{run['arm']}-s{run['seed']}"
            each = (run["cpu_seconds"] or 0.0) / max(run["steps"], 1)
            curves.add_run(path, places[run["name"]], run["seed"], seconds=each)
    return _table(f"the study {content['study']}", content["conclusion"], rows, curves)


def single_runs(runs: Path) -> Table:
    """Every training below `runs`, the newest first, a row each."""
    rows, curves = [], Curves()
    for run in _run_folders(runs)[:MOST]:
        summary = _json(run / "summary.json")
        steps, seconds = summary.get("steps") or 0, summary.get("cpu_seconds") or 0.0
        known = {"parameters", "steps", "cpu_seconds"} & summary.keys()
        values = {name: summary[name] for name in known}
        rows.append({"name": run.name, "recipe": "", "values": values})
        each = seconds / steps if steps else 0.0
        curves.add_run(run, len(rows) - 1, 0, seconds=each)
    for name in ("bpb", "loss", "accuracy"):
        for curve in curves.found.get(f"{name}, validation", ()):
            rows[curve["row"]]["values"][name] = curve["y"][-1]
    about = "Each training below runs/; the figures are those of its last validation."
    return _table("single runs", [about], rows, curves)


def _table(title: str, about: list[str], rows: list, curves: Curves) -> Table:
    there = curves.axes()
    axes = [axis for axis in AXES if axis in there]
    found = {"title": title, "about": list(about), "rows": rows}
    return found | {"curves": curves.found, "axes": axes}


def _run_folders(runs: Path) -> list[Path]:
    """Folders with a metrics.csv, the newest first; `latest` is one of them already."""
    files = [f for f in runs.glob("*/metrics.csv") if f.parent.name != "latest"]
    files.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    return [file.parent for file in files]


def _steps(run: Path) -> int:
    return _json(run / "summary.json").get("steps") or 0


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
