"""What the report shows of a run: plain values, each file of the folder read by itself.

A damaged file becomes a sentence among the run's problems; the other files are shown.
"""

import csv
import json
import math
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.projects import WorkspaceError
from tools.report_curves import Curves, curves_of, scales
from tools.runs import (
    Run,
    flat,
    project_of,
    read_config,
    read_json,
    read_metrics,
    run_folders,
)
from tools.sane import sane


try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FACTS = (
    "command", "start", "end", "host", "machine", "device", "threads", "world",
    "python", "numpy", "torch", "git", "data",
)  # fmt: skip
"""What meta.json tells of the circumstances."""


def read_all(places: Iterable[Path]) -> list[tuple[Run, dict, Curves]]:
    """Every run with what the page shows of it and its curves, the newest first."""
    read = [read_one(path) for path in run_folders(places)]
    read.sort(key=lambda one: (one[1]["start"], one[1]["path"]), reverse=True)
    return read


def read_one(path: Path) -> tuple[Run, dict[str, Any], Curves]:
    """One run folder, however much of it can be read."""
    problems: list[str] = []

    def part(name: str, read: Callable[[Path], Any], empty: Any) -> Any:
        try:
            return read(path / name)
        except (WorkspaceError, OSError, ValueError, csv.Error, RecursionError) as why:
            problems.append(f"{name} cannot be read: {_reason(why, path / name)}")
            return empty

    config = part("config.yaml", read_config, {})
    meta = part("meta.json", read_json, {})
    summary = part("summary.json", read_json, {})
    project = project_of(path) or _runs_above(path).parent.name
    run = Run(path, project, dict(flat(config)), meta, summary)
    rows = part("metrics.csv", lambda _: read_metrics(run), [])
    events = part("events.jsonl", _read_events, [])
    results = _best(run, events)
    for file in sorted((path / "eval").glob("*.json")):
        content = part(f"eval/{file.name}", read_json, {})
        results |= {f"{file.stem} {key}": value for key, value in content.items()}
    return run, _shown(run, rows, events, results, problems), curves_of(rows)


def _shown(run: Run, rows, events, results, problems) -> dict[str, Any]:
    numbers = {key: _number(value) for key, value in results.items()}
    numbers = {key: value for key, value in numbers.items() if value is not None}
    steps = run.summary.get("steps", rows[-1].get("step") if rows else None)
    return {
        "name": os.path.relpath(run.path, _runs_above(run.path)),
        "project": run.project,
        "path": str(run.path),
        "status": status_of(run),
        "start": str(run.meta.get("start", "")),
        "seed": plain(run.seed),
        "steps": _number(steps),
        "seconds": _number(run.summary.get("seconds")),
        "parameters": _number(run.summary.get("parameters")),
        "watched": _watched(run, numbers),
        "results": numbers,
        "facts": {key: plain(run.meta[key]) for key in FACTS if key in run.meta},
        "problems": problems,
        "scales": scales(events, rows),
    }


def _watched(run: Run, results: Mapping[str, Any]) -> str | None:
    """The result that chose the best checkpoint; else the first of its kind."""
    best = [key for key in results if key.startswith("best ")]
    watched = f"best {run.config.get('train.monitor')}"
    return watched if watched in best else next(iter(best), None)


def status_of(run: Run) -> str:
    """What meta.json says; killed if it says running and no process holds the lock."""
    status = str(run.meta.get("status", "unknown"))
    if status != "running" or not fcntl:
        return status
    try:
        with open(run.path / ".lock", encoding="utf-8") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return "killed"
    except OSError:
        return status
    return "killed"


def settings_of(runs: Sequence[Run]) -> tuple[dict[str, dict], list[dict[str, Any]]]:
    """({project: {key: [most common value, count]}}, what each run has otherwise).

    The second holds `own` values, keys that are `missing`, and the number of the
    `group` of runs with equal settings, which differ in the seed alone.
    """
    texts = [
        {key: json.dumps(plain(value)) for key, value in run.settings.items()}
        for run in runs
    ]
    alike = defaultdict(list)
    for run, text in zip(runs, texts, strict=True):
        if text:
            alike[run.project].append(text)
    common = {project: _most_common(found) for project, found in alike.items()}
    groups: dict[tuple, int] = {}
    rows = []
    for number, (run, text) in enumerate(zip(runs, texts, strict=True)):
        usual = common.get(run.project, {})
        same = (run.project, *sorted(text.items())) if text else (number,)
        own = {
            key: value for key, value in text.items() if usual.get(key, [0])[0] != value
        }
        missing = [key for key in usual if key not in text] if text else []
        rows.append(
            {
                "own": {key: json.loads(value) for key, value in own.items()},
                "missing": missing,
                "known": bool(text),
                "group": groups.setdefault(same, len(groups)),
            }
        )
    loaded = {
        project: {key: [json.loads(text), n] for key, (text, n) in keys.items()}
        for project, keys in common.items()
    }
    return loaded, rows


def plain(value: Any) -> Any:
    """The value as JSON can hold it: NaN, infinities and the unknown as text."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return (
        value if value is None or isinstance(value, str | int | float) else str(value)
    )


def _most_common(settings: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, int]]:
    """key -> (the value that most have, how many); none if more have not the key.

    Of several values that are as common, the first in the alphabet.
    """
    found = defaultdict(Counter)
    for one in settings:
        for key, value in one.items():
            found[key][value] += 1
    usual = {}
    for key, counts in found.items():
        value, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
        if count >= len(settings) - counts.total():
            usual[key] = value, count
    return usual


def _best(run: Run, events: Sequence[Mapping]) -> dict[str, Any]:
    """The validation of the best checkpoint; of a killed run, the best until then."""
    best = run.summary.get("best")
    if not isinstance(best, Mapping):
        told = [event for event in events if event.get("event") == "best"]
        best = told[-1] if told else {}
    no_result = ("t", "step", "event")
    return {f"best {key}": best[key] for key in best if key not in no_result}


def _read_events(path: Path) -> list[dict]:
    """The events; a last line that was cut when the process died is left out."""
    lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
    events = [_event(line) for line in lines[:-1] if line.strip()]
    return [sane(event) for event in events if event]


def _event(line: str) -> dict:
    content = json.loads(line)
    return content if isinstance(content, dict) else {}


def _number(value: Any) -> float | str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return plain(value)


def _runs_above(path: Path) -> Path:
    """The nearest folder `runs`: sweeps have their runs in folders of their own."""
    return next((one for one in path.parents if one.name == "runs"), path.parent)


def _reason(why: Exception, path: Path) -> str:
    text = " ".join(str(why).split()).replace(str(path), "").strip(" :")
    return text.removeprefix("is damaged: ") or type(why).__name__
