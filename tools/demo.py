"""The main job of each sub-project, as its own `demo.json` tells it.

`demo.json` holds: `model` and `metric` (words for the table), `steps` (commands of the
sub-project: a script and its options), `value` (a JSON file and the key in it, dots for
nested keys) and `picture`. Paths are relative to the sub-project.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from tools.processes import run, say
from tools.projects import WorkspaceError
from tools.tables import table


NAMES = {"model", "metric", "steps", "value", "picture"}


def read_demo(project: Path) -> dict:
    """The sub-project's demo.json, with its form checked."""
    path = project / "demo.json"
    try:
        demo = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WorkspaceError(f"{path} is missing; it says what to run") from None
    except ValueError as error:
        raise WorkspaceError(f"{path} is not JSON: {error}") from None
    if not isinstance(demo, dict) or set(demo) != NAMES:
        raise WorkspaceError(f"{path} must hold exactly: {', '.join(sorted(NAMES))}")
    steps, value = demo["steps"], demo["value"]
    if not steps or not all(_is_words(step) and step for step in steps):
        raise WorkspaceError(f"{path}: steps must be lists of words")
    if not isinstance(value, dict) or set(value) != {"file", "key"}:
        raise WorkspaceError(f"{path}: value must hold exactly: file, key")
    return demo


def run_demos(root: Path, projects: Sequence[Path], python: Path) -> int:
    """Run them all, a failed one does not stop the others; the exit code."""
    rows, faults = [], []
    for project in projects:
        start = time.monotonic()
        try:
            demo = read_demo(project)
            say(f"\n== {project.name} ==")
            value, picture = _run_steps(project, demo, python)
        except WorkspaceError as error:
            faults.append(str(error))
            rows.append([project.name, "-", "-", "failed", _since(start), "-"])
            continue
        shown = picture.relative_to(root)
        names = demo["model"], demo["metric"]
        rows.append([project.name, *names, f"{value:.3f}", _since(start), shown])
    heads = ["sub-project", "model", "metric", "value", "seconds", "picture"]
    print(f"\n{table(heads, rows)}", flush=True)
    for fault in faults:
        say(fault)
    return 1 if faults else 0


def _run_steps(project: Path, demo: dict, python: Path) -> tuple[float, Path]:
    for step in demo["steps"]:
        say(f"$ python {' '.join(step)}")
        code = run([python, *step], project)
        if code:
            shown = " ".join(step)
            raise WorkspaceError(f"{project.name}: {shown} ended with exit code {code}")
    picture = project / demo["picture"]
    if not picture.is_file():
        raise WorkspaceError(f"{picture} was not written by the steps of demo.json")
    return _value(project / demo["value"]["file"], demo["value"]["key"]), picture


def _value(path: Path, key: str) -> float:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        for part in key.split("."):
            value = value[part]
        return float(value)
    except FileNotFoundError:
        raise WorkspaceError(f"{path} was not written by the steps") from None
    except (KeyError, TypeError, ValueError):
        raise WorkspaceError(f"{path} holds no number under {key}") from None


def _is_words(step: object) -> bool:
    return isinstance(step, list) and all(isinstance(word, str) for word in step)


def _since(start: float) -> str:
    return f"{time.monotonic() - start:.0f}"
