"""What the runs of a sweep reached: a line a point, over its seeds and folds."""

import csv
import io
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.processes import say
from tools.projects import WorkspaceError
from tools.runs import Run
from tools.tables import table


Unit = tuple[int, ...]  # what two points are paired by: (seed,) or (seed, fold)
HEADS = ("point", "seeds", "mean", "spread", "seconds")


@dataclass(slots=True)
class Group:
    """The runs of one point, by seed and fold."""

    settings: dict[str, Any]
    runs: dict[Unit, Run] = field(default_factory=dict)


def grouped(runs: Sequence[Run]) -> dict[str, Group]:
    """Done runs of one sub-project by what they do not share, named by just that."""
    if len(projects := sorted({run.project for run in runs})) > 1:
        raise WorkspaceError(
            f"these are runs of {' and '.join(projects)}: gather one sub-project a time"
        )
    groups: dict[str, Group] = {}
    for run in runs:
        settings, unit = _settings_and_unit(run)
        text = json.dumps(settings, sort_keys=True, default=str)
        group = groups.setdefault(text, Group(settings))
        if unit in group.runs:
            say(f"{run.path} repeats {group.runs[unit].path}: it is not counted twice")
        else:
            group.runs[unit] = run
    return _named(list(groups.values()))


def show(groups: Mapping[str, Group], metric: str) -> str:
    """The table: seeds, mean and standard deviation of the metric, seconds a run."""
    rows = table_rows(groups, metric)
    shown = [[*row[:2], *(_short(cell) for cell in row[2:])] for row in rows]
    heads = [f"{head} of {metric}" if head == "mean" else head for head in HEADS]
    return table(heads, shown)


def as_csv(groups: Mapping[str, Group], metric: str) -> str:
    """The same with all digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(
        [(*HEADS, "metric"), *((*r, metric) for r in table_rows(groups, metric))]
    )
    return text.getvalue()


def table_rows(groups: Mapping[str, Group], metric: str) -> list[list]:
    """Point, seeds in words, mean, spread, seconds; None where there is no number."""
    return [_row(name, group, metric) for name, group in groups.items()]


def units_in_words(units: Sequence[Unit]) -> str:
    """Seeds as ranges: 0-2,5; with folds also how many."""
    seeds = sorted({unit[0] for unit in units})
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][-1] + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    text = ",".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else f"{p[0]}" for p in parts)
    folds = len({unit[1:] for unit in units})
    return f"{text} x {folds} folds" if folds > 1 else text


def metric_of(groups: Mapping[str, Group], wanted: str | None) -> str:
    """The metric asked for, else the one by which the runs kept their best weights."""
    runs = [run for group in groups.values() for run in group.runs.values()]
    known = sorted(
        set.intersection(*(set(run.summary.get("best", {})) for run in runs))
    )
    metric = wanted or str(runs[0].config.get("train.monitor", "loss"))
    if metric not in known:
        raise WorkspaceError(
            f"{metric} is not what these runs have measured; --metric may be one of "
            f"{', '.join(known)}"
        )
    return metric


def value_of(run: Run, metric: str) -> float:
    """The metric at the best evaluation; NaN where it was not finite."""
    value = run.summary["best"][metric]
    return math.nan if value is None else float(value)


def _row(name: str, group: Group, metric: str) -> list:
    values = [value_of(run, metric) for run in group.runs.values()]
    whole = [r.summary for r in group.runs.values() if not r.summary.get("since_step")]
    return [
        name,
        units_in_words(list(group.runs)),
        statistics.fmean(values),
        statistics.stdev(values) if len(values) > 1 else None,
        statistics.fmean(s["seconds"] for s in whole) if whole else None,
    ]


def _settings_and_unit(run: Run) -> tuple[dict[str, Any], Unit]:
    """A fold is to a point what a seed is: one more try."""
    folds = [key for key in run.settings if key.rpartition(".")[2] == "fold"]
    settings = {key: run.settings[key] for key in run.settings if key not in folds}
    return settings, (run.seed or 0, *(run.settings[key] for key in folds))


def _named(groups: Sequence[Group]) -> dict[str, Group]:
    """Each group by the keys that two of them do not agree on."""
    keys = dict.fromkeys(key for group in groups for key in group.settings)
    missing = object()
    differ = [
        key
        for key in keys
        if any(
            g.settings.get(key, missing) != groups[0].settings.get(key, missing)
            for g in groups
        )
    ]
    names = [
        " ".join(
            f"{key}={_text(g.settings[key])}" for key in differ if key in g.settings
        )
        for g in groups
    ]
    return dict(zip([name or "base" for name in names], groups, strict=True))


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list) else str(value)


def _short(cell: float | None) -> str:
    return "-" if cell is None else f"{cell:.4g}"
