"""What the runs of a sweep reached: a line a point. The statistics are compare's."""

import csv
import io
import json
import math
import statistics
from collections.abc import Hashable, Sequence
from typing import Any

from tools.comparison import Comparison, Group
from tools.run_values import value_of
from tools.tables import table


HEADS = ("", "point", "seeds", "mean", "spread", "seconds")


def show(comparison: Comparison) -> str:
    """Seeds, mean and standard deviation of the metric, seconds a run."""
    rows = [
        [*row[:3], *("-" if math.isnan(cell) else f"{cell:.4g}" for cell in row[3:])]
        for row in table_rows(comparison)
    ]
    heads = [{"mean": f"mean {comparison.metric}"}.get(head, head) for head in HEADS]
    return table(heads, rows)


def as_csv(comparison: Comparison) -> str:
    """The same with all digits."""
    text = io.StringIO()
    rows = [["label", *HEADS[1:], "metric"]]
    rows += [[*row, comparison.metric] for row in table_rows(comparison)]
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def table_rows(comparison: Comparison) -> list[list[Any]]:
    """Label, point, seeds in words, mean, spread, seconds; NaN for no number."""
    return [
        [
            group.label,
            " ".join(f"{k}={_text(v)}" for k, v in group.settings.items()) or "base",
            units_in_words(group.units),
            group.mean,
            group.sd,
            _seconds(group),
        ]
        for group in comparison.groups
    ]


def units_in_words(units: Sequence[Hashable]) -> str:
    """Seeds as ranges, 0-2,5; of (seed, fold) also how many folds; else how many."""
    pairs = [unit if isinstance(unit, tuple) else (unit, 0) for unit in units]
    if not all(isinstance(seed, int) for seed, _ in pairs):
        return f"{len(units)} runs"  # that do not tell their seed
    ranges: list[list[int]] = []
    for seed in sorted({seed for seed, _ in pairs}):
        if ranges and seed == ranges[-1][-1] + 1:
            ranges[-1].append(seed)
        else:
            ranges.append([seed])
    text = ",".join(f"{r[0]}-{r[-1]}" if len(r) > 1 else f"{r[0]}" for r in ranges)
    folds = len({fold for _, fold in pairs})
    return f"{text} x {folds} folds" if folds > 1 else text


def _seconds(group: Group) -> float:
    """The mean time of a run; one that was resumed knows only its last part."""
    whole = [run for run in group.runs if not run.summary.get("since_step")]
    took = [value_of(run, "seconds") for run in whole]
    known = [seconds for seconds in took if seconds is not None]
    return statistics.fmean(known) if known else math.nan


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list) else str(value)
