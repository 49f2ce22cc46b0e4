"""Prove of each exercise: it fails without the body, with exactly the listed ids.

Judged by the unit tests (tests/test_*.py) that carry a spec mark and pass. They run
once with probes (`tools.reach`); then, for each exercise, the body is removed in a
copy, and only the tests that call it run again. So that this stays quick, tests of ids
that no exercise lists are ended after a quarter of a CPU-second or when they start a
process, and then do not count, as those that cannot be probed; `--list`, which says
what to list, waits for them.
"""

import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import processes
from tools.exercise_list import Exercise
from tools.grading import Run, write_job
from tools.projects import ROOT, WorkspaceError
from tools.reach import Reach, copy_project, find_reach, imports_of
from tools.stripping import find_module, strip


LIMIT = 300  # seconds that the tests of one exercise may take
SENTENCE = re.compile(r"^- \*\*([A-Z]+-\d{3})\*\* (\S.*(?:\n  \S.*)*)", re.M)
LEAST = 12  # exercises of a sub-project


@dataclass(frozen=True, slots=True)
class Verdict:
    """The ids that fail without the body, or why that cannot be said."""

    path: str
    failing: tuple[str, ...] = ()
    tests: int = 0
    problem: str = ""


def verify(
    project: Path,
    paths: Sequence[str],
    kept: Path,
    listed: Mapping[str, Sequence[str]] | None = None,
) -> list[Verdict]:
    """A verdict on each callable, in the order given; `listed`: its ids, if known."""
    swaps, verdicts = {}, {}
    whole = (
        None
        if listed is None
        else sorted({id for ids in listed.values() for id in ids})
    )
    for path in paths:
        try:
            swaps[path] = _swap(project, path)
        except WorkspaceError as error:
            verdicts[path] = Verdict(path, problem=str(error))
    with tempfile.TemporaryDirectory(prefix="exercise-") as folder:
        scratch = Path(folder)
        run = runner(project, scratch)
        if swaps:
            reach = find_reach(project, kept, scratch, run, whole)
            tree = copy_project(project, scratch / "stripped")
        runs = {}
        for number, (path, swap) in enumerate(swaps.items()):
            callers = reach.callers(path, listed and listed[path])
            files = sorted({name.split("::")[0] for name in callers})
            out = str(scratch / f"{number}.json")
            if callers:
                words = {"only": callers, "swap": swap, "limit": LIMIT}
                runs[path] = Run(str(tree), out, files, **words)
            else:
                verdicts[path] = Verdict(path, problem=_unnoticed(path))
        run(list(runs.values()))
        for path, one in runs.items():
            verdicts[path] = _judge(path, one, reach)
    return [verdicts[path] for path in paths]


def compare(one: Exercise, verdict: Verdict, known: dict[str, str]) -> str:
    """What is wrong with the listed ids; empty if they are exactly right."""
    listed, failing = set(one.ids), set(verdict.failing)
    if unknown := sorted(listed - set(known)):
        return f"{one.where}: docs/SPEC.md has no {', '.join(unknown)}"
    if verdict.problem:
        return f"{one.where}: {verdict.problem}"
    if listed == failing:
        return ""
    parts = []
    if extra := ", ".join(sorted(listed - failing)):
        parts.append(f"{extra} still holds without it: take it from the list")
    if missing := ", ".join(sorted(failing - listed)):
        parts.append(f"{missing} fails without it too: add it to the list")
    return f"{one.where}: {one.path}: {'; '.join(parts)}"


def _unnoticed(path: str) -> str:
    return f"no test notices that {path} is gone; its tests are too weak to teach it"


def _swap(project: Path, dotted: str) -> dict[str, str]:
    file, name = find_module(project, dotted)
    text = strip(file.read_bytes(), name, dotted)
    return {str(file.relative_to(project)): text.decode("utf-8", "surrogateescape")}


def _judge(path: str, run: Run, reach: Reach) -> Verdict:
    try:
        result = json.loads(Path(run.out).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        why = f"the tests of {path} did not end within {LIMIT} s or crashed Python"
        return Verdict(path, problem=why)
    broken = set(result["broken"])
    tests = reach.passing()
    failed = [
        name
        for name in run.only
        if name.split("::")[0] in broken
        or result["tests"].get(name, {"outcome": "failed"})["outcome"] != "passed"
    ]
    ids = sorted({one for name in failed for one in tests[name]["ids"]})
    if not ids:
        return Verdict(path, problem=_unnoticed(path))
    return Verdict(path, tuple(ids), len(failed))


def runner(project: Path, scratch: Path) -> Callable[[list[Run]], None]:
    """What runs a list of runs in a process of its own."""

    def run(runs: list[Run]) -> None:
        if not runs:
            return
        job = scratch / "job.json"
        write_job(job, imports_of(project), runs)
        code = processes.run([sys.executable, "-m", "tools.grading", job], ROOT)
        if code == 130:
            raise KeyboardInterrupt
        if code:
            raise WorkspaceError(
                f"the tests of {project.name} could not be run, exit code "
                f"{code}; what stopped them stands above"
            )

    return run


def known_ids(project: Path) -> dict[str, str]:
    """Id -> sentence of docs/SPEC.md."""
    document = project / "docs" / "SPEC.md"
    text = document.read_text(encoding="utf-8") if document.exists() else ""
    return {item[1]: " ".join(item[2].split()) for item in SENTENCE.finditer(text)}
