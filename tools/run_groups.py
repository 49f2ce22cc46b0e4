"""Groups of seeds: which runs are the same experiment, and what to beware of."""

import math
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from tools.comparison import (
    LEVEL,
    Comparison,
    Group,
    differences,
    differing,
    fewest_pairs,
    label,
    with_interval,
)
from tools.projects import WorkspaceError
from tools.run_values import chosen_metric, direction, no_file, value_of, why_no_value
from tools.runs import Run
from tools.statistical_tests import smallest_p


def compare_runs(runs: Sequence[Run], metric: str = "", better: str = "") -> Comparison:
    """Groups of equal settings against each other, in the order in which they come.

    `metric`: see tools.run_values; empty: the one by which the runs chose their
    checkpoint. `better`: higher or lower; empty: derived, see `direction`. Raises
    WorkspaceError where there is nothing to compare.
    """
    done = [run for run in runs if run.status == "done" and run.summary]
    notes = [
        f"{run.name} is not finished (status {run.status}): left out"
        for run in runs
        if run not in done
    ]
    if not done:
        raise WorkspaceError("; ".join(notes) or "there is no run to compare")
    metric = chosen_metric(done, metric)
    values = {run.path: value_of(run, metric) for run in done}
    if set(values.values()) == {None}:
        raise WorkspaceError(why_no_value(done, metric))
    better, why = direction(done, metric, better)
    kept, more = _with_values(done, values, metric)
    if not kept:
        raise WorkspaceError(f"{metric} is a finite number in none of these runs")
    groups, repeated = _grouped(kept, values)
    folds = _folds(kept) if isinstance(groups[0].units[0], tuple) else 0
    by = "fold" if folds else "seed"
    found = differences(groups, better, by, folds)
    notes += [*more, *repeated, *_cautions(groups, metric, by)]
    if by == "seed":
        notes += _reach([one.n for one in found if one.pairs])
    return Comparison(metric, better, why, groups, found, tuple(notes))


def _with_values(
    runs: Sequence[Run], values: dict[Path, float | None], metric: str
) -> tuple[list[Run], list[str]]:
    """The runs that have a finite number, and why the others are left out."""
    kept, notes = [], []
    for run in runs:
        value, source = values[run.path], metric.rpartition(":")[0]
        if value is None:
            missing = f"{run.name} has no {metric}"
            notes.append(f"{no_file(run, source) if source else missing}: left out")
        elif not math.isfinite(value):
            notes.append(
                f"{run.name}: {metric} is no finite number: left out, which makes its "
                "group look better than it is"
            )
        else:
            kept.append(run)
    return kept, notes


def _grouped(
    runs: Sequence[Run], values: dict[Path, Any]
) -> tuple[tuple[Group, ...], list[str]]:
    """One group for all runs of the same settings; what is repeated counts once."""
    members: dict[str, dict[Hashable, Run]] = {}
    notes = []
    for run, unit in zip(runs, _units(runs), strict=True):
        group = members.setdefault(repr(sorted(_settings(run).items())), {})
        if unit in group:
            notes.append(f"{run.path} repeats {group[unit].path}: left out")
        else:
            group[unit] = run
    settings = [_settings(next(iter(one.values()))) for one in members.values()]
    keys = differing(settings)
    groups = [
        Group(
            label(place),
            {key: settings[place][key] for key in keys if key in settings[place]},
            tuple(one.values()),
            tuple(one),
            tuple(float(values[run.path]) for run in one.values()),
        )
        for place, one in enumerate(members.values())
    ]
    return tuple(map(with_interval, groups)), notes


def _units(runs: Sequence[Run]) -> list[Hashable]:
    """What pairs a run: its seed, with its fold where the runs have several.

    A run that does not tell its seed has a unit of its own.
    """
    seeds = [run.path if run.seed is None else run.seed for run in runs]
    folds = [tuple(run.config[key] for key in _fold_keys(run)) for run in runs]
    if len(set(folds)) == 1:
        return seeds
    return [(seed, *fold) for seed, fold in zip(seeds, folds, strict=True)]


def _folds(runs: Sequence[Run]) -> int:
    """Into how many parts the data is divided."""
    stated = [run.config.get(f"{key}s", 0) for run in runs for key in _fold_keys(run)]
    return max(2, *stated)


def _settings(run: Run) -> dict[str, Any]:
    folds = _fold_keys(run)
    return {key: value for key, value in run.settings.items() if key not in folds}


def _fold_keys(run: Run) -> list[str]:
    return [key for key in run.config if key.rpartition(".")[2] == "fold"]


def _cautions(groups: Sequence[Group], metric: str, by: str) -> list[str]:
    """What a reader of the tables must know, each in one sentence."""
    notes = []
    if len(groups) == 1:
        notes.append("all runs have the same settings: there is nothing to compare")
    for place, a in enumerate(groups):
        for b in groups[place + 1 :]:
            notes += _unlike(a, b, by)
    if ":" not in metric:
        notes.append(
            "values are of the checkpoint that validation chose, which flatters them; "
            f"--metric test:{metric} reads eval/test.json"
        )
    code = {run.meta.get("git") for group in groups for run in group.runs}
    if len(code) > 1:
        notes.append(
            f"the runs are of {len(code)} states of the code (git in meta.json)"
        )
    return notes


def _unlike(a: Group, b: Group, by: str) -> list[str]:
    """Units without a partner, and data that is not the same."""
    notes = []
    mine, theirs = (dict(zip(g.units, g.runs, strict=True)) for g in (a, b))
    shared = [unit for unit in mine if unit in theirs]
    alone = [unit for unit in (*mine, *theirs) if unit not in shared]
    paired = by == "fold" or len(shared) == min(len(mine), len(theirs))
    if alone and paired:
        shown = ", ".join(map(str, alone))
        notes.append(
            f"{by} {shown} is in one of {a.label} and {b.label} only: not in their "
            "difference"
        )
    elif alone:
        notes.append(
            f"{a.label} and {b.label} have other seeds: compared without pairs, which "
            "sees less"
        )
    told = [{run.meta.get("data") for run in runs.values()} for runs in (mine, theirs)]
    same = told[0] == told[1]
    if shared:  # the seed may have drawn the data
        same = all(
            mine[u].meta.get("data") == theirs[u].meta.get("data") for u in shared
        )
    if not same:
        notes.append(
            f"{a.label} and {b.label} have seen different data (`data` in meta.json): "
            "that may be the difference"
        )
    return notes


def _reach(pairs: Sequence[int]) -> list[str]:
    """That so few pairs cannot show anything by ranks, and how many could."""
    few, needed = min(pairs, default=0), fewest_pairs(max(1, len(pairs)))
    if not pairs or few >= needed:
        return []
    if few < 2:
        return [
            "one pair has no spread: train more seeds (python -m tools sweep), or "
            "compare the two runs sample by sample (--samples test)"
        ]
    family = f", {needed} for {len(pairs)} comparisons" if len(pairs) > 1 else ""
    return [
        f"{few} pairs: exact Wilcoxon and sign flips cannot go below p = "
        f"{smallest_p(few):.4g}, whatever the values; {fewest_pairs(1)} pairs are the "
        f"fewest for {LEVEL}{family}"
    ]
