"""Groups of seeds: which runs are the same experiment, and what each one reached."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.compare_notes import cautions, names, reach
from tools.comparison import (
    Comparison,
    Group,
    Unit,
    differences,
    label,
    with_interval,
)
from tools.projects import WorkspaceError
from tools.run_values import (
    TIMES,
    chosen_metric,
    direction,
    is_time,
    no_file,
    value_of,
    why_no_value,
)
from tools.runs import Run, as_one, differing


ELSEWHERE = ("cache", "workers", "log_every", "save_every", "timeout_s")
"""Settings that say where and how fast: no result depends on them but a time."""


def compare_runs(runs: Sequence[Run], metric: str = "", better: str = "") -> Comparison:
    """Groups of equal settings against each other, in the order in which they come.

    `metric`: see tools.run_values; empty: the one by which the runs chose their
    checkpoint. `better`: higher or lower; empty: derived, see `direction`. Raises
    WorkspaceError where there is nothing to compare.
    """
    done, notes = finished(runs)
    metric = chosen_metric(done, metric)
    values, damaged = _values(done, metric)
    done = [run for run in done if run.path in values]
    if set(values.values()) <= {None}:
        why = [why_no_value(done, metric)] if done else []
        raise WorkspaceError("; ".join([*damaged, *why]))
    better, why = direction(done, metric, better)
    kept, lost = _with_values(done, values, metric)
    if not kept:
        raise WorkspaceError(f"{metric} is a finite number in none of these runs")
    groups, repeated = _grouped(kept, values, metric)
    found = differences(groups, better, "seed")
    notes += [*damaged, *lost, *repeated, *_elsewhere(groups)]
    notes += [*cautions(groups, found, metric), *reach(groups, found)]
    return Comparison(metric, better, why, groups, found, tuple(notes))


def finished(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """The runs that are done, and why the others are left out."""
    ended = [run for run in runs if run.status == "done"]
    done = [run for run in ended if run.summary]
    notes = []
    if left := [run for run in runs if run not in ended]:
        statuses = ", ".join(sorted({str(run.status) for run in left}))
        notes.append(f"{names(left)}: not finished ({statuses}): left out")
    if empty := [run for run in ended if not run.summary]:
        notes.append(f"{names(empty)}: done, but without a summary.json: left out")
    if not done:
        raise WorkspaceError("; ".join(notes) or "there is no run to compare")
    if len(projects := sorted({run.project for run in done} - {""})) > 1:
        raise WorkspaceError(
            f"these are runs of {' and '.join(projects)}: compare one sub-project at a "
            "time"
        )
    return done, notes


def _values(
    runs: Sequence[Run], metric: str
) -> tuple[dict[Path, float | None], list[str]]:
    """The number of each run; the runs of which a file is damaged, in sentences."""
    values, damaged = {}, []
    for run in runs:
        try:
            values[run.path] = value_of(run, metric)
        except WorkspaceError as error:
            damaged.append(f"{error}; the run is left out")
    return values, damaged


def _with_values(
    runs: Sequence[Run], values: dict[Path, float | None], metric: str
) -> tuple[list[Run], list[str]]:
    """The runs that have a finite number, and why the others are left out."""
    source = metric.rpartition(":")[0]
    without = [run for run in runs if values[run.path] is None]
    lost = [run for run in runs if not math.isfinite(values[run.path] or 0)]
    notes = []
    if without:
        advice = f" ({no_file(without[0], source)})" if source else ""
        if metric in TIMES:
            advice = " (a resumed run knows the time of its last part alone)"
        notes.append(f"{names(without)}: no {metric}: left out{advice}")
    if lost:
        notes.append(
            f"{names(lost)}: {metric} is no finite number: left out, which makes what "
            "remains look better than it is"
        )
    return [run for run in runs if run not in without and run not in lost], notes


def _grouped(
    runs: Sequence[Run], values: dict[Path, Any], metric: str
) -> tuple[tuple[Group, ...], list[str]]:
    """One group for all runs of the same settings; what is repeated counts once."""
    kinds: dict[str, list[dict[Unit, Run]]] = {}
    members: list[dict[Unit, Run]] = []
    notes = []
    for run in runs:
        alike = kinds.setdefault(as_one(_settings(run, metric)), [])
        group = next((one for one in alike if _same_place(run, one)), None)
        if group is None:
            alike.append(group := {})
            members.append(group)
        if (unit := _unit(run)) in group:
            notes.append(f"{run.path} repeats {group[unit].path}: left out")
        else:
            group[unit] = run
    settings = [_shown(list(one.values()), metric) for one in members]
    keys = differing(settings)
    groups = [
        Group(
            label(place),
            {key: settings[place][key] for key in keys if key in settings[place]},
            tuple(one.values()),
            tuple(one),
            tuple(float(values[run.path]) for run in one.values()),
            folds=_folds(next(iter(one.values())))[1],
        )
        for place, one in enumerate(members)
    ]
    return tuple(map(with_interval, groups)), notes


def _same_place(run: Run, group: dict[Unit, Run]) -> bool:
    """Whether the data is in the same place, or is the same in another place.

    As a seed may draw the data, a run of the same seed says more than all others.
    """
    same = [_roots(run) == _roots(one) for one in group.values()]
    if all(same):
        return True
    twin = group.get(_unit(run))
    told = [one.meta.get("data") for one in ([twin] if twin else group.values())]
    data, known = run.meta.get("data"), [one for one in told if one]
    if data and known:
        return all(data == one for one in known)
    return any(same)


def _unit(run: Run) -> Unit:
    """What pairs a run: its seed, or (seed, fold) where the data is divided.

    A run that does not tell its seed has a unit of its own.
    """
    seed = run.path if run.seed is None else run.seed
    fold, folds = _folds(run)
    return (seed, fold) if folds else seed


def _folds(run: Run) -> tuple[int, int]:
    """Which part of how many is left out; (0, 0) where the data is not divided."""
    for key in _fold_keys(run):
        if run.config[f"{key}s"] > 1:
            return run.config[key], run.config[f"{key}s"]
    return 0, 0


def _settings(run: Run, metric: str) -> dict[str, Any]:
    """What makes two runs the same experiment."""
    apart = {*_fold_keys(run), *_roots(run)}
    if not is_time(metric):
        apart |= {key for key in run.settings if _last(key) in ELSEWHERE}
    return {key: value for key, value in run.settings.items() if key not in apart}


def _shown(runs: Sequence[Run], metric: str) -> dict[str, Any]:
    """The settings of a group, with all the places that its data came from."""
    roots = {
        key: " or ".join(dict.fromkeys(str(run.config.get(key)) for run in runs))
        for key in _roots(runs[0])
    }
    return _settings(runs[0], metric) | roots


def _fold_keys(run: Run) -> list[str]:
    """Keys such as data.fold, which has a number of parts beside it in data.folds."""
    return [
        key
        for key in run.config
        if _last(key) == "fold"
        and type(run.config[key]) is type(run.config.get(f"{key}s")) is int
    ]


def _roots(run: Run) -> dict[str, Any]:
    return {key: value for key, value in run.config.items() if _last(key) == "root"}


def _elsewhere(groups: Sequence[Group]) -> list[str]:
    """That runs of one group were made in different places, or at another speed."""
    keys: dict[str, None] = {}
    for group in groups:
        keys |= dict.fromkeys(differing([run.config for run in group.runs]))
    if not (apart := [key for key in keys if _last(key) in (*ELSEWHERE, "root")]):
        return []
    return [
        f"runs of one group differ in {' and '.join(apart)}, which says where and how "
        "fast they ran, and not what was trained"
    ]


def _last(key: str) -> str:
    return key.rpartition(".")[2]
