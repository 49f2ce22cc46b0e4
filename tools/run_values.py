"""What a run reached: which number a metric's name means, and which way is better.

`accuracy` is the value at the chosen checkpoint (`best` of summary.json), else a number
of summary.json itself, such as `seconds`. `test:accuracy` is read from eval/test.json,
which the sub-project's eval.py writes; `test:methods.nar.tokens.rate` from inside it.
A curve of metrics.csv has no one value and is refused.
"""

import difflib
import math
import re
from collections.abc import Sequence

from tools.projects import WorkspaceError
from tools.runs import Run, flat, read_json, read_metrics


HIGHER, LOWER = "higher", "lower"
WORDS = {
    HIGHER: "accuracy exact right f1 precision recall dice mdice iou miou auc nsd top5 "
    "rand passed solved rtfx steps_per_second",
    LOWER: "loss perplexity bpb error errors rate ter wer cer ece brier hd95 assd rtf "
    "calibration seconds parameters substitutions deletions insertions",
}


def chosen_metric(runs: Sequence[Run], wanted: str) -> str:
    """The name asked for, else the one by which the runs kept their best checkpoint."""
    watched = {run.config["train.monitor"] for run in runs if _watches(run)}
    if not wanted and len(watched) != 1:
        many = " and ".join(sorted(watched)) or "nothing"
        raise WorkspaceError(f"these runs watch {many}: name one by --metric")
    return wanted or watched.pop()


def value_of(run: Run, metric: str) -> float | None:
    """The number; NaN where it was not finite, None where the run has none."""
    source, _, name = metric.rpartition(":")
    return numbers_of(run, source).get(name)


def numbers_of(run: Run, source: str) -> dict[str, float]:
    """Every number of summary.json, or of eval/SOURCE.json, by its dotted name."""
    if source:
        return _numbers(read_json(run.path / "eval" / f"{source}.json"))
    best = run.summary.get("best")
    own = {key: value for key, value in run.summary.items() if key != "best"}
    return _numbers(own) | _numbers(best if isinstance(best, dict) else {})


def why_no_value(runs: Sequence[Run], metric: str) -> str:
    """One sentence for a metric that no run has: what is there, what to do."""
    source, _, name = metric.rpartition(":")
    known = {key for run in runs for key in numbers_of(run, source)}
    if source and not known:
        return (
            f"{metric}: {no_file(runs[0], source)}, nor have the other runs such a file"
        )
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f"; did you mean {near[0]}?" if near else ";"
    if not source and any(name in row for row in read_metrics(runs[0])):
        return (
            f"{name} is only in metrics.csv: a curve, and no result of a run{guess} "
            f"known: {', '.join(sorted(known)[:30])}"
        )
    place = f"eval/{source}.json" if source else "summary.json"
    shown = ", ".join(sorted(known)[:30]) or "nothing"
    return f"{name} is in no {place} of these runs{guess} known: {shown}"


def no_file(run: Run, source: str) -> str:
    """That an evaluation is missing, and the command that makes it."""
    return (
        f"{run.name} has no eval/{source}.json; make it by: python scripts/eval.py "
        f"--checkpoint {run.summary.get('checkpoint', run.path)} --split {source}"
    )


def direction(runs: Sequence[Run], metric: str, stated: str = "") -> tuple[str, str]:
    """(higher or lower, who says so): stated, else `train.mode` of the runs where they
    watch this metric, else the words of its name, if they are in `WORDS`."""
    if stated:
        return stated, "as stated"
    name = metric.rpartition(":")[2]
    modes = {
        run.config.get("train.mode")
        for run in runs
        if _watches(run) and run.config["train.monitor"] == name
    }
    if len(modes) == 1 and (mode := modes.pop()) in ("max", "min"):
        return (HIGHER if mode == "max" else LOWER), f"train.mode={mode} of the runs"
    words = {name, *re.split(r"[^a-z0-9]+", name.lower())}
    found = [way for way, known in WORDS.items() if words & set(known.split())]
    if len(found) != 1:
        raise WorkspaceError(
            f"{metric}: nothing says which way is better; add --better higher or "
            "--better lower"
        )
    return found[0], "by its name"


def _watches(run: Run) -> bool:
    return bool(run.config.get("train.monitor"))


def _numbers(content: dict) -> dict[str, float]:
    """Plain numbers; null, which stands for one that is not finite, is NaN."""
    return {
        key: math.nan if value is None else float(value)
        for key, value in flat(content)
        if value is None or (isinstance(value, int | float) and value is not True)
        if value is not False
    }
