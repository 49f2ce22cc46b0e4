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
from pathlib import Path
from typing import Any

from tools.projects import WorkspaceError
from tools.runs import Run, eval_command, flat, read_json, read_metrics


CONDITIONS = ("tta", "tile", "overlap", "precision")  # of eval.py: they change a result
AMOUNTS = ("images", "utterances", "samples", "tokens")  # of what it has seen
TIMES = ("seconds", "cpu_seconds", "steps_per_second")
SPEEDS = (*TIMES, "rtf", "rtfx")
HIGHER, LOWER = "higher", "lower"
WORDS = {
    HIGHER: "accuracy exact right f1 precision recall dice mdice iou miou auc nsd top5 "
    "rand passed solved rtfx steps_per_second",
    LOWER: "loss perplexity bpb error errors rate ter wer cer ece brier hd95 assd rtf "
    "calibration seconds parameters substitutions deletions insertions",
}


def chosen_metric(runs: Sequence[Run], wanted: str) -> str:
    """The name asked for, else the one by which the runs kept their best checkpoint."""
    watched = {str(run.config["train.monitor"]) for run in runs if _watches(run)}
    if not wanted and len(watched) != 1:
        many = " and ".join(sorted(watched)) or "nothing"
        raise WorkspaceError(f"these runs watch {many}: name one by --metric")
    return wanted or watched.pop()


def is_time(metric: str) -> bool:
    """Whether the machine makes the number, in whichever file: `test:nar.rtf`."""
    return _last(metric.rpartition(":")[2]) in SPEEDS


def value_of(run: Run, metric: str) -> float | None:
    """The number; NaN where it was not finite, None where the run has none."""
    source, _, name = metric.rpartition(":")
    return numbers_of(run, source).get(name)


def numbers_of(run: Run, source: str) -> dict[str, float]:
    """Every number of summary.json, or of eval/SOURCE.json, by its dotted name."""
    if source:
        return _numbers(_evaluation(run, source))
    # A run that was resumed knows the time of its last part alone.
    apart = {"best", *(TIMES if run.summary.get("since_step") else ())}
    own = {key: value for key, value in run.summary.items() if key not in apart}
    return _numbers(own) | chosen_numbers(run)


def chosen_numbers(run: Run) -> dict[str, float]:
    """Those that validation gave the checkpoint that the run kept as its best."""
    best = run.summary.get("best")
    return _numbers(best if isinstance(best, dict) else {})


def why_no_value(runs: Sequence[Run], metric: str) -> str:
    """One sentence for a metric that no run has: what is there, what to do."""
    source, _, name = metric.rpartition(":")
    known = {key for run in runs for key in numbers_of(run, source)}
    if source and not known:
        return f"{metric}: no run has it; {no_file(runs[0], source)}"
    likeness = {key: _likeness(name, key) for key in known}
    names = sorted(known, key=lambda key: (key.count("."), key))
    near = max(names, key=likeness.__getitem__, default="")
    guess = f"; did you mean {near}?" if likeness.get(near, 0) > 0.6 else ";"
    shown = ", ".join(names[:15]) + (", ..." if len(names) > 15 else "")
    if not source and any(name in row for row in read_metrics(runs[0])):
        place = "only in metrics.csv: a curve, and no result of a run"
    else:
        place = (
            f"in no {f'eval/{source}.json' if source else 'summary.json'} of these runs"
        )
    return f"{name} is {place}{guess} known: {shown or 'nothing'}"


def no_file(run: Run, source: str) -> str:
    """That an evaluation is missing, and the command that makes it."""
    command = eval_command(run, source)
    return f"{run.name} has no eval/{source}.json; make it by: {command}"


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
    # A rate is one of errors only where that is all its name: not in hit_rate.
    parts = {*re.split(r"[^a-z0-9]+", name.lower())} - {"rate"}
    words = {name, _last(name), *parts}
    found = [way for way, known in WORDS.items() if words & set(known.split())]
    if len(found) != 1:
        raise WorkspaceError(
            f"{metric}: nothing says which way is better; add --better higher or "
            "--better lower"
        )
    return found[0], "by its name"


def unlike_evaluations(runs: Sequence[Run], source: str) -> list[str]:
    """In what the evaluations of the runs differ, though the settings do not say so."""
    files = [_conditions(_evaluation(run, source)) for run in runs]
    keys = {key for file in files for key in file}
    told = {key: sorted({file.get(key, "not said") for file in files}) for key in keys}
    return [
        f"the evaluations differ in {key} ({', '.join(values)}), which may be the "
        "difference"
        for key, values in sorted(told.items())
        if len(values) > 1
    ]


def evaluated_on(run: Run, source: str) -> dict[str, Any]:
    """What eval/SOURCE.json says of the data that it has seen."""
    content = _evaluation(run, source)
    told = ("data_fingerprint", *AMOUNTS)
    return {key: content[key] for key in told if key in content}


def _conditions(content: dict[str, Any]) -> dict[str, str]:
    """The options of an evaluation; `precision` with a number is a metric."""
    found = {"checkpoint": Path(str(content.get("checkpoint", ""))).name}
    for key, value in flat(content):
        name = key.removeprefix("options.")
        if name in CONDITIONS and not (name == "precision" and _is_number(value)):
            found[name] = str(value)
    return found


def _evaluation(run: Run, source: str) -> dict[str, Any]:
    return read_json(run.path / "eval" / f"{source}.json")


def _likeness(name: str, key: str) -> float:
    return difflib.SequenceMatcher(None, name, _last(key)).ratio()


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _watches(run: Run) -> bool:
    return bool(run.config.get("train.monitor"))


def _numbers(content: dict) -> dict[str, float]:
    """Plain numbers; null, which stands for one that is not finite, is NaN."""
    return {
        key: math.nan if value is None else float(value)
        for key, value in flat(content)
        if value is None or _is_number(value)
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
