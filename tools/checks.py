"""All checks of the workspace, side by side; every failure is shown."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tools import benchmark, copies, independence, parity, readme_check, sizes
from tools.processes import environment, handle_signals
from tools.projects import ROOT, WorkspaceError, find_projects


DOCUMENTED = {
    "tests/test_spec.py": "test_the_document_and_the_tests_of_this_project_agree",
    "tests/test_contracts.py": "test_the_document_and_the_annotations_agree",
}
"""The tests that only read: both documents against the code, nothing is driven."""
LONGEST = "README commands"
Outcome = tuple[bool, str]  # whether it is good, and what to show


def all_checks(
    root: Path, fix: bool = False
) -> list[tuple[str, Callable[[], Outcome]]]:
    """(name, function) of every check, the quick ones first."""
    lint = ["ruff", "check", "--output-format=concise", *(["--fix"] if fix else [])]
    layout = ["ruff", "format", *([] if fix else ["--check", "--quiet"])]
    found = [
        ("copies", partial(_listed, copies.check, root)),
        ("independence", partial(_listed, independence.check, root)),
        ("ruff check", partial(_run_module, root, *lint)),
        ("ruff format", partial(_run_module, root, *layout)),
        (LONGEST, partial(_listed, readme_check.check, root)),
        ("README tables", partial(_listed, _stale_tables, root)),
    ]
    for project in find_projects(root):
        name = f"spec and contracts of {project.name}"
        found.append((name, partial(_run_tests, project)))
    found.append(("sizes", partial(_sizes, root)))
    return found


def run_checks(root: Path, fix: bool = False) -> tuple[int, int]:
    """Run and show them all, in their order; (passed, failed)."""
    passed = failed = 0
    # What repairs files must not run beside what reads them.
    pool = ThreadPoolExecutor(1 if fix else os.cpu_count())
    try:
        checks = all_checks(root, fix)
        # The longest first; what is repaired keeps its order.
        order = checks if fix else sorted(checks, key=lambda c: c[0] != LONGEST)
        started = {name: pool.submit(_timed, function) for name, function in order}
        for name, _ in checks:
            good, text, seconds = started[name].result()
            passed, failed = passed + good, failed + (not good)
            mark = "ok    " if good else "FAILED"
            print(f"{mark}  {name}  {seconds:.1f} s", flush=True)
            if text:
                shown = "\n".join(f"    {line}" for line in text.splitlines())
                print(shown, flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    return passed, failed


def _timed(function: Callable[[], Outcome]) -> tuple[bool, str, float]:
    start = time.monotonic()
    try:
        good, text = function()
    except WorkspaceError as error:
        good, text = False, str(error)
    return good, text, time.monotonic() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """The command behind `workspace.py check`; exit code 1 if a check failed."""
    parser = argparse.ArgumentParser(prog="tools.checks", description=__doc__)
    parser.add_argument("--fix", action="store_true", help="let ruff repair")
    parser.add_argument("--counts", type=Path, help="write [passed, failed] here")
    given = parser.parse_args(arguments)
    handle_signals()
    try:
        passed, failed = run_checks(ROOT, given.fix)
    except KeyboardInterrupt:
        return 130
    if given.counts:
        given.counts.write_text(json.dumps([passed, failed]), encoding="utf-8")
    print(f"{passed} checks passed, {failed} failed")
    return 1 if failed else 0


def _listed(function: Callable[[Path], list[str]], root: Path) -> Outcome:
    problems = function(root)
    return not problems, "\n".join(problems)


def _stale_tables(root: Path) -> list[str]:
    return parity.check(root) + benchmark.check(root)


def _run_module(cwd: Path, *command: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    good = done.returncode == 0
    return good, "" if good else (done.stdout + done.stderr).strip()


def _run_tests(project: Path) -> Outcome:
    missing = [path for path in DOCUMENTED if not (project / path).exists()]
    if missing:
        return False, f"{project.name} has no {' and no '.join(missing)}"
    chosen = [f"{path}::{name}" for path, name in DOCUMENTED.items()]
    # Of five processes each plugin and each rewritten assertion counts.
    lean = ["-q", "--tb=short", "--assert=plain", "-p", "no:schemathesis"]
    return _run_module(project, "pytest", *lean, *chosen)


def _sizes(root: Path) -> Outcome:
    text, problems = sizes.check(root)
    return not problems, "\n".join([text, *problems])


if __name__ == "__main__":
    sys.exit(main())
