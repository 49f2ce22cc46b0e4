"""What the finished runs of a bench say: a row a run, a row a pair, and the tests."""

import csv
import io
import itertools
import json
import math
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .children import state_of
from .comparison import Comparison, compare
from .plan import Pair, Plan


@dataclass(frozen=True, slots=True)
class Run:
    entry: str
    recipe: str
    seed: int
    parameters: int
    tokens: int
    bpb: float
    """Bits per byte of the whole validation part, after the last step."""
    loss: float
    """Nats a token."""
    accuracy: float
    tokens_per_second: float
    """While it trained, evaluations included."""
    tokens_per_cpu_second: float
    bytes_per_cpu_second: float
    cpu_seconds: float
    """Of the whole process, imports and pictures included."""
    peak_bytes: int
    """Most memory that the process held (its resident set)."""
    curve: tuple[tuple[int, float], ...]
    """(tokens, bits per byte) of each evaluation."""


@dataclass(frozen=True, slots=True)
class Row:
    """The runs of a pair."""

    entry: str
    recipe: str
    parameters: int
    seeds: tuple[int, ...]
    bpb: float
    """Mean over the seeds."""
    sd: float
    """Over the seeds; NaN for one."""
    values: tuple[float, ...]
    loss: float
    accuracy: float
    tokens_per_cpu_second: float
    """This and what follows: medians."""
    bytes_per_cpu_second: float
    cpu_seconds: float
    peak_bytes: float


class Results(NamedTuple):
    runs: list[Run]
    rows: list[Row]
    common: list[Comparison]
    """Of all entries, two by two, under the common recipe."""
    era: list[Comparison]
    """The same, each under the recipe of its era."""
    recipe: list[Comparison]
    """Of each entry: recipe of its era (a) against the common one (b)."""


def collect(plan: Plan, out: Path) -> Results:
    """Read the finished runs below `out` and compare them."""
    runs = [
        read_run(out / f"{pair.name}-s{seed}", pair, seed)
        for pair in plan.pairs
        for seed in plan.bench.seeds
        if state_of(out / f"{pair.name}-s{seed}") == "done"
    ]
    values = {
        pair.name: {r.seed: r.bpb for r in _of(runs, pair)} for pair in plan.pairs
    }
    eras = {name: f"{name}-{e.recipes[0]}" for name, e in plan.entries.items()}
    common = {name: f"{name}-{plan.bench.common}" for name in plan.entries}
    both = [
        (eras[name], common[name])
        for name, entry in plan.entries.items()
        if plan.bench.common in entry.recipes[1:]
    ]
    return Results(
        runs,
        [_row(pair, _of(runs, pair)) for pair in plan.pairs if _of(runs, pair)],
        compare(values, itertools.combinations(common.values(), 2)),
        compare(values, itertools.combinations(eras.values(), 2)),
        compare(values, both),
    )


def read_run(path: Path, pair: Pair, seed: int) -> Run:
    """The numbers of one run folder."""
    summary = json.loads((path / "summary.json").read_text("utf-8"))
    with open(path / "metrics.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "val"]
    last = {name: float(rows[-1][name]) for name in ("bpb", "loss", "accuracy")}
    each = pair.tokens / summary["steps"]
    done = each * (summary["steps"] - summary["since_step"])
    rate = done / max(summary["cpu_seconds"], 1e-9)
    # Bits a token over bits a byte.
    bytes_per_token = last["loss"] / math.log(2) / last["bpb"]
    try:
        used = json.loads((path / "child.json").read_text("utf-8"))
    except (OSError, ValueError):
        used = {"cpu_seconds": summary["cpu_seconds"], "peak_bytes": 0}
    return Run(
        entry=pair.entry,
        recipe=pair.recipe,
        seed=seed,
        parameters=summary["parameters"],
        tokens=pair.tokens,
        **last,
        tokens_per_second=done / max(summary["seconds"], 1e-9),
        tokens_per_cpu_second=rate,
        bytes_per_cpu_second=rate * bytes_per_token,
        cpu_seconds=used["cpu_seconds"],
        peak_bytes=used["peak_bytes"],
        curve=tuple((round(each * int(r["step"])), float(r["bpb"])) for r in rows),
    )


def to_plain(results: Results) -> dict[str, Any]:
    """For JSON."""
    return {
        "rows": [asdict(row) for row in results.rows],
        "comparisons": {
            name: [c._asdict() | {"significant": c.significant} for c in family]
            for name, family in (
                ("common_recipe", results.common),
                ("recipe_of_the_era", results.era),
                ("era_against_common", results.recipe),
            )
        },
        "runs": [asdict(run) for run in results.runs],
    }


def to_csv(runs: list[Run]) -> str:
    """A line a run, but for its curve."""
    text = io.StringIO()
    names = [name for name in Run.__slots__ if name != "curve"]
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for run in runs:
        cells = asdict(run)
        shown = {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in cells.items()}
        writer.writerow(shown)
    return text.getvalue()


def _of(runs: list[Run], pair: Pair) -> list[Run]:
    return [r for r in runs if (r.entry, r.recipe) == (pair.entry, pair.recipe)]


def _row(pair: Pair, runs: list[Run]) -> Row:
    values = [run.bpb for run in runs]

    def median(name: str) -> float:
        return statistics.median(getattr(run, name) for run in runs)

    return Row(
        entry=pair.entry,
        recipe=pair.recipe,
        parameters=runs[0].parameters,
        seeds=tuple(run.seed for run in runs),
        bpb=statistics.fmean(values),
        sd=statistics.stdev(values) if len(values) > 1 else float("nan"),
        values=tuple(values),
        loss=statistics.fmean(run.loss for run in runs),
        accuracy=statistics.fmean(run.accuracy for run in runs),
        tokens_per_cpu_second=median("tokens_per_cpu_second"),
        bytes_per_cpu_second=median("bytes_per_cpu_second"),
        cpu_seconds=median("cpu_seconds"),
        peak_bytes=median("peak_bytes"),
    )
