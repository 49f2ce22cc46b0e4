"""What the report shows beside the runs: proved sentences, parity and benchmarks.

All of it was measured before, by other commands, and is only read here.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools import results
from tools.files import write_whole
from tools.processes import run, say
from tools.projects import WorkspaceError, find_projects


HOW = "`python -m tools report --spec` runs the tests that prove them"


def record_coverage(root: Path) -> None:
    """Run the whole suite of each sub-project and of tools, with `--spec-json`."""
    for folder in _folders(root):
        path = _coverage_path(root, folder.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        say(f"tests of {folder.name}")
        with tempfile.TemporaryDirectory(prefix="report-") as scratch:
            made = Path(scratch) / "spec.json"
            words = [sys.executable, "-m", "pytest", "-q", "--spec-json", made]
            code = run(words, folder, stdout=sys.stderr)
            if made.is_file():
                write_whole(path, made.read_text(encoding="utf-8"))
            else:
                say(f"{folder.name}: pytest ended with {code} and wrote no sentences")


def evidence(root: Path) -> dict[str, Any]:
    """All that is there; what is not says how to get it."""
    return {
        "coverage": [_coverage(root, folder.name) for folder in _folders(root)],
        "parity": _measured(root, "parity"),
        "benchmarks": _measured(root, "benchmarks"),
    }


def _coverage(root: Path, project: str) -> dict[str, Any]:
    path = _coverage_path(root, project)
    shown = path.relative_to(root).as_posix()
    found = {"project": project, "source": shown}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["requirements"]
        keys = ("id", "state", "tests", "text")
        return found | {"sentences": [{key: row[key] for key in keys} for row in rows]}
    except FileNotFoundError:
        return found | {"missing": f"Not recorded yet: {HOW}."}
    except (ValueError, LookupError, TypeError) as error:
        return found | {"missing": f"{shown} cannot be read ({error!r}); {HOW}."}


def _measured(root: Path, name: str) -> dict[str, Any]:
    source = results.path_of(root, name).relative_to(root).as_posix()
    command = f"`python -m tools {name.removesuffix('s')}`"
    try:
        content = results.read(root, name)
        machines = [results.machine_text(one) for one in content["machines"]]
    except (WorkspaceError, LookupError, TypeError) as error:
        return {"source": source, "missing": str(error)}
    if not content["rows"]:
        return {"source": source, "missing": f"Not measured yet: {command} does it."}
    return {"source": source, "machines": machines, "rows": content["rows"]}


def _folders(root: Path) -> list[Path]:
    return [*find_projects(root), root / "tools"]


def _coverage_path(root: Path, project: str) -> Path:
    return root / "runs" / "spec" / f"{project}.json"
