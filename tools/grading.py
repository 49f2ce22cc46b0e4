"""Run tests of a copied sub-project in a process of its own, and read what they say."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.processes import GRACE, environment
from tools.projects import MADE_BY_RUNNING, ROOT, WorkspaceError


KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has none
TAIL = 15  # lines of a log


def copy_project(project: Path, folder: Path) -> Path:
    """A copy without what running made; below `folder`, with the same name."""
    ignore = shutil.ignore_patterns(*MADE_BY_RUNNING, ".*")
    return shutil.copytree(project, folder / project.name, ignore=ignore)


def test_files(tree: Path, ids: Sequence[str] | None) -> list[str]:
    """The unit tests that name one of the ids, or all."""
    return [
        path.relative_to(tree).as_posix()
        for path in sorted((tree / "tests").glob("test_*.py"))
        if ids is None or any(id in path.read_text(encoding="utf-8") for id in ids)
    ]


def grade(
    scratch: Path,
    tree: Path,
    ids: Sequence[str] | None,
    limit: float | None = None,
    **more: object,
) -> dict:
    """What `tools.recorder` (and `tools.prover`) say of the tests of these ids."""
    out, log = scratch / "out.json", scratch / "log.txt"
    job = {"tree": str(tree), "out": str(out), "files": test_files(tree, ids)}
    job |= {"ids": ids, "places": {}} | more
    (scratch / "job.json").write_text(json.dumps(job), encoding="utf-8")
    words = [sys.executable, "-m", "tools.recorder", scratch / "job.json"]
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us
        )
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            raise WorkspaceError(
                f"the tests did not end within {limit:.0f} s: look for a loop "
                "without an end"
            ) from None
        finally:
            _stop(process)
    if out.exists():
        return json.loads(out.read_text(encoding="utf-8"))
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    raise WorkspaceError(
        "\n".join([*lines[-TAIL:], f"a test of {tree.name} ended Python; see above"])
    )


def _stop(process: subprocess.Popen) -> None:
    """And all that it has started."""
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, KILL)
        except (ProcessLookupError, PermissionError):
            pass
    process.wait()
