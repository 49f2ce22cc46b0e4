"""One pytest process per sub-project, from its own folder; then one table."""

import json
import shutil
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.environment import prepare
from tools.processes import run_group, say
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
    return [*(path.name for path in find_projects(root)), "tools", "check"]


def run_project(
    folder: Path, python: Path, kinds: Sequence[str] = (), cwd: Path | None = None
) -> Result | None:
    """Run the tests of a sub-project or `tools`; None if it has none of the kinds."""
    tests = folder / "tests"
    files = [str(path) for kind in kinds for path in sorted(tests.glob(KINDS[kind]))]
    if kinds and not files:
        return None
    say(f"\n== {folder.name} ==")
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "junit.xml")
        command = [python, "-X", "faulthandler", "-m", "pytest", "-q"]
        command += [f"--junitxml={report}", *(files or [tests])]
        start = time.monotonic()
        code = _run(folder.name, command, cwd or folder)
        counts = read_counts(report, code)
    return Result(folder.name, *counts, time.monotonic() - start, code)


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
        return run_project(alone, python, kinds)


def run_checks(root: Path, python: Path) -> Result:
    """Run `tools.checks` and count each check as a test."""
    say("\n== check ==")
    with tempfile.TemporaryDirectory() as scratch:
        counts = Path(scratch, "counts.json")
        start = time.monotonic()
        command = [python, "-X", "faulthandler", "-m", "tools.checks"]
        code = _run("check", [*command, "--counts", counts], root)
        seconds = time.monotonic() - start
        passed, failed = json.loads(counts.read_text()) if counts.exists() else (0, 1)
    return Result("check", passed, max(failed, int(code != 0)), 0, seconds, code)


def _run(name: str, command: Sequence[str | Path], cwd: Path) -> int:
    """The exit code; 124, as `timeout` gives, where the suite had to be killed."""
    code = run_group(command, cwd, LIMIT)
    if code is None:
        say(
            f"{name} did not end within {LIMIT / 60:.4g} minutes: killed with all that "
            "it had started, and counted as failed"
        )
    return 124 if code is None else code


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
