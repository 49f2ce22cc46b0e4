"""results.json, results.csv, study.png and the printed table of a study."""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..utils.atomic import write_atomically
from ..utils.environment import describe_environment
from ..utils.errors import InputError
from ..utils.logging import table
from ..utils.plots import save_figure
from ..utils.run_dir import to_json
from .study_figure import draw
from .study_plan import StudyPlan
from .study_scores import Score, read_scores, to_csv
from .study_verdict import by_seed, compare_pairs, conclude, names


def report(
    plan: StudyPlan, folder: Path, failed: dict[str, str] | None = None
) -> dict[str, Any]:
    """Score what is not scored, write the three files; gives what is in the JSON."""
    scores, unscored = read_scores(plan, folder)
    failed = (failed or {}) | unscored
    if not scores:
        why = f": {next(iter(failed.values()))}" if failed else "; leave out --report"
        raise InputError(f"{folder} has no finished run yet{why}")
    paired = compare_pairs(plan, scores)
    files = {kind: str(folder / f"results.{kind}") for kind in ("json", "csv")}
    content = {
        "study": plan.path.stem,
        "title": plan.title,
        "split": plan.study.split,
        "seeds": list(plan.study.seeds),
        "rows": [_row(name, scores) for name in names(plan, scores)],
        "pairs": [
            {"a": p.a, "b": p.b, "metric": p.metric}
            | {k: v for k, v in p.test._asdict().items() if k not in "ab"}
            | {"significant": p.test.significant}
            for p in paired
        ],
        "conclusion": conclude(plan, scores, paired, failed),
        "failed": failed,
        "runs": [score._asdict() for score in scores],
        "environment": describe_environment(),
        "files": [*files.values(), str(folder / "study.png")],
    }
    text = to_json(content, indent=1) + "\n"
    write_atomically(folder / "results.json", text.encode())
    write_atomically(
        folder / "results.csv", to_csv(scores, plan.study.metrics).encode()
    )
    save_figure(draw(plan, folder, scores), folder / "study.png", dpi=150)
    return content


def _row(name: str, scores: Sequence[Score]) -> dict[str, Any]:
    """Mean and standard deviation over the seeds."""
    mine = [s for s in scores if s.name == name]
    metrics = {
        metric: spread(list(by_seed(mine, name, metric).values()))
        for metric in mine[0].values
    }
    cpu = [s.cpu_seconds for s in mine if not s.is_base]
    return {
        "name": name,
        "seeds": [s.seed for s in mine],
        "metrics": metrics,
        "cpu_seconds": spread(cpu),
        "epochs": [s.epochs for s in mine],
        "peak_bytes": max(s.peak_bytes for s in mine),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """NaN where there are too few."""
    nan = float("nan")
    return {
        "mean": statistics.fmean(values) if values else nan,
        "sd": statistics.stdev(values) if len(values) > 1 else nan,
    }


def text(plan: StudyPlan, content: dict[str, Any]) -> str:
    """What is printed at the end."""
    metrics = plan.study.metrics
    rows = [
        (
            plan.label(row["name"]),
            str(len(row["seeds"])),
            *(_cell(row["metrics"][m], 3) for m in metrics),
            _cell(row["cpu_seconds"], 1),
        )
        for row in content["rows"]
    ]
    head = (f"{plan.study.split}, mean ± sd", "seeds", *metrics, "CPU-s")
    parts = [table(rows, head)]
    tests = [
        (
            f"{plan.label(p['a'])} - {plan.label(p['b'])}",
            p["metric"],
            f"{p['difference']:+.3f}",
            f"{p['low']:+.3f} to {p['high']:+.3f}",
            _p(p["p_t"]),
            _p(p["p_holm"]),
        )
        for p in content["pairs"]
    ]
    if tests:
        head = ("paired by seed", "metric", "difference", "95 % interval")
        parts.append(table(tests, (*head, "p", "after Holm")))
    notes = [plan.study.note] if plan.study.note else []
    said = [f"- {sentence}" for sentence in (*content["conclusion"], *notes)]
    saved = [f"saved  {', '.join(content['files'])}"]
    return "\n\n".join([*parts, "\n".join([*said, *saved])])


def _cell(found: dict[str, float], digits: int) -> str:
    mean, sd = found["mean"], found["sd"]
    if not math.isfinite(mean):
        return ""
    spread = f" ± {sd:.{digits}f}" if math.isfinite(sd) else ""
    return f"{mean:.{digits}f}{spread}"


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 1e-4 else "< 0.0001"
