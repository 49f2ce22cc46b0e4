"""One pytest process per sub-project, from its own folder, side by side; one table."""

import json
import os
import shutil
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.environment import prepare
from tools.groups import Command, run_commands
from tools.processes import say
from tools.projects import (
    MADE_BY_RUNNING,
    WorkspaceError,
    find_projects,
    requirement_files,
)
from tools.tables import table


LIMIT = 30 * 60  # seconds; each test has its own limit, the end of Python has none
KINDS = {"unit": "test_*.py", "smoke": "smoke_*.py", "integration": "integration_*.py"}


@dataclass(frozen=True, slots=True)
class Result:
    """What one suite said; `code` is its exit code."""

    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    code: int


def suite_names(root: Path) -> list[str]:
    """What `test` can be asked for."""
    return [*(path.name for path in find_projects(root)), "tools", "check", "exercises"]


@dataclass(frozen=True, slots=True)
class Suite:
    """A command, and how to read what it found: (passed, failed, skipped) of a code."""

    command: Command
    counts: Callable[[int], tuple[int, int, int]]


def project_suite(
    folder: Path,
    python: Path,
    scratch: Path,
    kinds: Sequence[str] = (),
    cwd: Path | None = None,
) -> Suite | None:
    """The tests of a sub-project or `tools`; None if it has none of the kinds."""
    tests = folder / "tests"
    files = [path for kind in kinds for path in sorted(tests.glob(KINDS[kind]))]
    if kinds and not files:
        return None
    report = scratch / f"{folder.name}.xml"
    words = [python, "-X", "faulthandler", "-m", "pytest", "-q"]
    words += [f"--junitxml={report}", *(files or [tests])]
    if sys.stdout.isatty():
        words.append("--color=yes")  # also where it writes to a file first
    command = Command(folder.name, words, cwd or folder)
    return Suite(command, partial(read_counts, report))


def check_suite(root: Path, python: Path, scratch: Path) -> Suite:
    """`tools.checks`, of which each check counts as a test."""
    counts = scratch / "counts.json"
    words = [python, "-X", "faulthandler", "-m", "tools.checks", "--counts", counts]
    return Suite(Command("check", words, root), partial(read_checks, counts))


def exercise_suites(root: Path, python: Path, scratch: Path) -> list[Suite]:
    """`tools.exercise verify` of each list, of which each exercise counts as a test."""
    found = []
    for project in find_projects(root):
        if (project / "docs" / "EXERCISES.md").exists():
            name = f"exercises of {project.name}"
            counts = scratch / f"{name}.json"
            words = [python, "-X", "faulthandler", "-m", "tools.exercise", "verify"]
            words += [project.name, "--counts", counts]
            found.append(
                Suite(Command(name, words, root), partial(read_checks, counts))
            )
    return found


def run_suites(suites: Sequence[Suite], workers: int | None = None) -> list[Result]:
    """Run them side by side, one a core; results in the order given."""
    commands = [suite.command for suite in suites]
    ended = run_commands(commands, LIMIT, workers or os.cpu_count() or 1)
    return [
        Result(s.command.name, *s.counts(e.code), e.seconds, e.code)
        for s, e in zip(suites, ended, strict=True)
    ]


def run_isolated(project: Path, kinds: Sequence[str] = ()) -> Result | None:
    """Copy a sub-project to an empty folder, install what it asks for, test it."""
    ignore = shutil.ignore_patterns(*MADE_BY_RUNNING, ".*")
    with tempfile.TemporaryDirectory(prefix=f"{project.name}-") as empty:
        alone = Path(empty, project.name)
        shutil.copytree(project, alone, ignore=ignore, symlinks=True)
        say(f"\n{project.name} alone in {empty}")
        start = time.monotonic()
        try:
            python = prepare(Path(empty, "venv"), requirement_files(alone))
        except WorkspaceError as error:
            for log in Path(empty, "venv").glob("pip.log"):  # gone with the folder
                say(log.read_text(encoding="utf-8", errors="replace"))
            say(str(error))
            return Result(project.name, 0, 1, 0, time.monotonic() - start, 2)
        suite = project_suite(alone, python, Path(empty, "venv"), kinds)
        return run_suites([suite])[0] if suite else None


def read_counts(report: Path, code: int) -> tuple[int, int, int]:
    """(passed, failed, skipped) of a JUnit report.

    A run that failed without a failed test (nothing collected, a crash) counts as one.
    """
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    except (OSError, ElementTree.ParseError):
        suites = []
    tests, failures, errors, skipped = (
        sum(int(suite.get(key, 0)) for suite in suites)
        for key in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    passed = max(tests - failed - skipped, 0)
    return passed, max(failed, 1) if code else failed, skipped


def read_checks(counts: Path, code: int) -> tuple[int, int, int]:
    """(passed, failed, 0) as `tools.checks` or `tools.exercise` wrote them."""
    passed, failed = json.loads(counts.read_text()) if counts.exists() else (0, 1)
    return passed, max(failed, int(code != 0)), 0


def report(results: Sequence[Result]) -> int:
    """Print the table and the closing line that CI reads; the exit code."""
    if not results:
        raise WorkspaceError("no tests of that kind; leave the option out to run all")
    rows = [
        [r.name, r.passed, r.failed, r.skipped, f"{r.seconds:.0f}", r.code]
        for r in results
    ]
    heads = ["suite", "passed", "failed", "skipped", "seconds", "exit"]
    print(f"\n{table(heads, rows)}\n")
    passed, failed, skipped = (
        sum(getattr(r, key) for r in results) for key in ("passed", "failed", "skipped")
    )
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if any(r.code or r.failed for r in results) else 0
