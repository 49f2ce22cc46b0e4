"""Groups of seeds: which runs are the same experiment, and what to beware of."""

import math
from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations
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
from tools.run_values import (
    chosen_metric,
    direction,
    no_file,
    unlike_evaluations,
    value_of,
    why_no_value,
)
from tools.runs import Run
from tools.statistical_tests import smallest_p


def compare_runs(runs: Sequence[Run], metric: str = "", better: str = "") -> Comparison:
    """Groups of equal settings against each other, in the order in which they come.

    `metric`: see tools.run_values; empty: the one by which the runs chose their
    checkpoint. `better`: higher or lower; empty: derived, see `direction`. Raises
    WorkspaceError where there is nothing to compare.
    """
    done = [run for run in runs if run.status == "done" and run.summary]
    left = [run for run in runs if run not in done]
    statuses = ", ".join(sorted({run.status for run in left}))
    notes = [f"{_names(left)}: not finished ({statuses}): left out"] * bool(left)
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
    source = metric.rpartition(":")[0]
    without = [run for run in runs if values[run.path] is None]
    lost = [run for run in runs if math.isnan(values[run.path] or 0)]
    notes = []
    if without:
        advice = f" ({no_file(without[0], source)})" if source else ""
        notes.append(f"{_names(without)}: no {metric}: left out{advice}")
    if lost:
        notes.append(
            f"{_names(lost)}: {metric} is no finite number: left out, which makes what "
            "remains look better than it is"
        )
    return [run for run in runs if run not in without and run not in lost], notes


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
    between: dict[str, list[str]] = {}
    for a, b in combinations(groups, 2):
        for sentence in _unlike(a, b, by):
            between.setdefault(sentence, []).append(f"{a.label} and {b.label}")
    notes += [f"{_first(pairs)}: {what}" for what, pairs in between.items()]
    if ":" not in metric:
        notes.append(
            "values are of the checkpoint that validation chose, which flatters them; "
            "--metric test:NAME reads eval/test.json"
        )
    else:
        runs = [run for group in groups for run in group.runs]
        notes += unlike_evaluations(runs, metric.rpartition(":")[0])
    code = {run.meta.get("git") for group in groups for run in group.runs}
    if len(code) > 1:
        notes.append(
            f"the runs are of {len(code)} states of the code (git in meta.json)"
        )
    return notes


def _unlike(a: Group, b: Group, by: str) -> Iterator[str]:
    """Units without a partner, and data that is not the same."""
    mine, theirs = (dict(zip(g.units, g.runs, strict=True)) for g in (a, b))
    shared = [unit for unit in mine if unit in theirs]
    if by == "seed" and len(shared) < min(len(mine), len(theirs)):
        yield "other seeds, so they are compared without pairs, which sees less"
    elif len(mine) + len(theirs) > 2 * len(shared):
        yield f"a {by} that only one of them has is not in the difference"
    told = [{run.meta.get("data") for run in runs.values()} for runs in (mine, theirs)]
    same = told[0] == told[1]
    if shared:  # the seed may have drawn the data
        same = all(
            mine[u].meta.get("data") == theirs[u].meta.get("data") for u in shared
        )
    if not same:
        yield "not the same data (`data` in meta.json), which may be the difference"


def _names(runs: Sequence[Run]) -> str:
    return _first([run.name for run in runs])


def _first(words: Sequence[str], shown: int = 6) -> str:
    """Some of many: "a, b, c and 9 more"."""
    more = f" and {len(words) - shown} more" if len(words) > shown else ""
    return ", ".join(words[:shown]) + more


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
