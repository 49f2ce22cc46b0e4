"""What a run said of each sample, as the sub-projects' eval.py leaves it.

    vision_cnn            eval/SPLIT/predictions.csv  name, true, predicted, ...
    unet_transformer_seg  eval/SPLIT/per_image.csv    name, dice_fg, iou_fg, ...
    paraformer_asr        eval/SPLIT.csv              id, method, substitutions, ...

Metrics are the columns with numbers, and `right` (1 or 0) and `errors` where the
columns give these. sequence_models and autograd_engine write no results by sample.
"""

import csv
import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from tools.comparison import (
    Comparison,
    Group,
    differences,
    label,
    with_interval,
)
from tools.projects import WorkspaceError
from tools.run_groups import finished
from tools.run_values import direction, unlike_evaluations
from tools.runs import Run, differing, eval_command, read_json


PLACES = ("{}/predictions.csv", "{}/per_image.csv", "{}.csv")
FIRST = ("dice_fg", "errors", "right")  # the metric of a file if none is named
EDITS = ("substitutions", "deletions", "insertions")
TRUTH = ("true", "reference", "tokens")  # equal for the same sample, whatever the run
TEXT = (*TRUTH, "name", "id", "speaker", "method", "predicted", "text", "differences")


@dataclass(frozen=True, slots=True)
class Samples:
    """The rows of one evaluation by the name of the sample."""

    run: Run
    rows: dict[str, dict[str, Any]]
    fingerprint: str  # of the data, as the evaluation has noted it
    method: str  # of search, where the run has been scored by one

    def metrics(self) -> list[str]:
        """The names of the numbers that every file of this kind has."""
        row = next(iter(self.rows.values()))
        return [key for key, value in row.items() if isinstance(value, float)]

    def chosen(self, wanted: str) -> str:
        """The metric asked for, else that which such a file is written for."""
        known = self.metrics()
        metric = wanted or next((name for name in FIRST if name in known), "")
        if metric in known:
            return metric
        near = difflib.get_close_matches(metric, known, n=1)
        guess = f"; did you mean {near[0]}?" if near else ";"
        raise WorkspaceError(
            f"{metric or 'no metric'} is not known of each sample{guess} known: "
            f"{', '.join(known)}"
        )

    def values(self, metric: str) -> dict[str, float]:
        return {name: row.get(metric, math.nan) for name, row in self.rows.items()}


def compare_samples(
    runs: Sequence[Run], split: str, metric: str = "", better: str = ""
) -> Comparison:
    """What each run said of the samples of a split, in pairs: one group a run."""
    runs, left = finished(runs)
    if len(runs) < 2:
        one_more = "; ".join(
            ["--samples compares two runs or more; give one more", *left]
        )
        raise WorkspaceError(one_more)
    read = [read_samples(run, split) for run in runs]
    for a, b in combinations(read, 2):
        check_same(a, b)
    metric = read[0].chosen(metric)
    better, why = direction(runs, metric, better)
    columns = [one.values(metric) for one in read]
    names = [
        name
        for name in columns[0]
        if all(math.isfinite(column.get(name, math.nan)) for column in columns)
    ]
    if not names:
        raise WorkspaceError(f"these runs share no sample of {split} with a {metric}")
    groups = _groups(runs, names, columns)
    found = differences(groups, better, "sample")
    notes = left + _cautions(read, split, metric, len(names))
    return Comparison(f"{split}:{metric}", better, why, groups, found, tuple(notes))


def _groups(
    runs: Sequence[Run], names: Sequence[str], columns: Sequence[dict[str, float]]
) -> tuple[Group, ...]:
    keys = differing([run.config for run in runs])
    return tuple(
        with_interval(
            Group(
                label(place),
                {key: run.config[key] for key in keys if key in run.config},
                (run,),
                tuple(names),
                tuple(column[name] for name in names),
            )
        )
        for place, (run, column) in enumerate(zip(runs, columns, strict=True))
    )


def _cautions(
    read: Sequence[Samples], split: str, metric: str, paired: int
) -> list[str]:
    """What a reader of the tables must know, each in one sentence."""
    notes = unlike_evaluations([one.run for one in read], split)
    if left := max(len(one.rows) for one in read) - paired:
        notes.append(
            f"samples without a finite {metric} in every run: {left}, left out"
        )
    if methods := sorted({one.method for one in read if one.method}):
        notes.append(f"method of search: {' and '.join(methods)}")
    if len({one.fingerprint for one in read}) > 1:
        notes.append("the data has different fingerprints: are these the same samples?")
    notes.append("the intervals are over samples; other seeds may say something else")
    return notes


def read_samples(run: Run, split: str) -> Samples:
    """The file of a run, at one of `PLACES`; a sentence if there is none."""
    paths = [run.path / "eval" / place.format(split) for place in PLACES]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise WorkspaceError(
            f"{run.name} has no results by sample of {split}, which eval.py of "
            "vision_cnn, unet_transformer_seg and paraformer_asr writes (of others "
            f"compare seeds); make them by: {eval_command(run, split)}"
        )
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        lines = list(csv.DictReader(file))
    if not lines or not ({"name", "id"} & set(lines[0])):
        raise WorkspaceError(f"{path} is damaged: expected a line for each name or id")
    method = lines[0].get("method") or ""
    rows: dict[str, dict[str, Any]] = {}
    for line in lines:
        if (line.get("method") or "") != method:
            continue  # the first method is the one that the run was trained for
        name = line.get("name") or line.get("id") or ""
        if name in rows:
            raise WorkspaceError(f"{path} is damaged: {name!r} is in it twice")
        rows[name] = _row(line)
    noted = read_json(run.path / "eval" / f"{split}.json")
    return Samples(run, rows, str(noted.get("data_fingerprint", "")), method)


def check_same(a: Samples, b: Samples) -> None:
    """Raise WorkspaceError if one name stands for two samples."""
    for name in a.rows:
        if name not in b.rows:
            continue
        for key in TRUTH:
            mine, theirs = a.rows[name].get(key), b.rows[name].get(key)
            if mine != theirs:
                raise WorkspaceError(
                    f"{name} is not the same sample in {a.run.name} and {b.run.name}: "
                    f"{key} is {mine!r} and {theirs!r}; compare runs on the same data"
                )


def _row(line: dict[str, str | None]) -> dict[str, Any]:
    """Numbers as numbers (an empty cell: NaN), and what follows from them."""
    row: dict[str, Any] = {
        key: text if key in TEXT else _number(text) for key, text in line.items() if key
    }
    if "true" in line and "predicted" in line:
        row["right"] = float(line["true"] == line["predicted"])
    if all(isinstance(row.get(kind), float) for kind in EDITS):
        row["errors"] = sum(row[kind] for kind in EDITS)
        # Not known where a cell is empty, and not wrong.
        row["right"] = (
            math.nan if math.isnan(row["errors"]) else float(not row["errors"])
        )
    return row


def _number(text: str | None) -> str | float | None:
    if not text:
        return math.nan
    try:
        return float(text)
    except ValueError:
        return text
