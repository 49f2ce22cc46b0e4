"""The one `.venv` at the root: made once, re-used as long as no requirement changes."""

import hashlib
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.processes import environment, run, say
from tools.projects import (
    WorkspaceError,
    find_projects,
    requirement_files,
    requirement_lines,
)


STAMP = "workspace-stamp.txt"
LACKS = """
import importlib.metadata, sys
for name in sys.argv[1:]:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        print(name)
"""


def all_requirements(root: Path) -> list[Path]:
    """Every requirements file of the workspace, those of `tools` first."""
    folders = [root / "tools", *find_projects(root)]
    return [path for folder in folders for path in requirement_files(folder)]


def prepare(venv: Path, requirements: Sequence[Path]) -> Path:
    """The Python of `venv` with everything in `requirements` installed.

    A whole stamp is written last, so that a set-up that was cut short is done again.
    """
    stamp = stamp_of(requirements)
    python = python_of(venv)
    old = _read(venv / STAMP)
    if python.exists() and old == stamp:
        return python
    steps, made_with = pip_steps(requirements), stamp.split("\n")[0]
    if not python.exists() or old.split("\n")[0] != made_with:
        say(f"[1/{len(steps) + 1}] making {venv.name} with Python {_version()}")
        _make(venv)
    (venv / STAMP).write_text(made_with, encoding="utf-8")  # the old one ends here
    for number, (label, arguments) in enumerate(steps, start=2):
        _pip(python, arguments, f"[{number}/{len(steps) + 1}] installing {label}", venv)
    (venv / STAMP).write_text(stamp, encoding="utf-8")
    return python


def existing_python(root: Path) -> Path:
    """A Python that has every requirement, without installing anything."""
    requirements = all_requirements(root)
    own = python_of(root / ".venv")
    if own.exists() and _read(root / ".venv" / STAMP) == stamp_of(requirements):
        return own
    lacks = {
        python: missing_in(python, requirements)
        for python in (own, Path(sys.executable))
        if python.exists()
    }
    for python, missing in lacks.items():
        if not missing:
            return python
    missing = next(iter(lacks.values()))
    raise WorkspaceError(
        f"the environment is not ready (missing: {', '.join(missing[:4])}"
        f"{', ...' if len(missing) > 4 else ''}); "
        "type: python3 tools/workspace.py setup"
    )


def ready_python(root: Path) -> Path:
    """A Python that has every requirement; `.venv` is renewed, or made for want of one.

    One that is old may have all packages and yet not the versions that are asked for.
    """
    if python_of(root / ".venv").exists():
        return prepare(root / ".venv", all_requirements(root))
    try:
        return existing_python(root)
    except WorkspaceError:
        return prepare(root / ".venv", all_requirements(root))


def python_of(venv: Path) -> Path:
    """Where an environment has its Python."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def missing_in(python: Path, requirements: Sequence[Path]) -> list[str]:
    """The packages that are asked for and that this Python does not have."""
    lines = [line for path in requirements for line in requirement_lines(path)]
    names = sorted({re.match(r"[\w.-]+", line)[0] for line in lines})
    asked = [str(python), "-c", LACKS, *names]
    found = subprocess.run(asked, capture_output=True, text=True, env=environment())
    return names if found.returncode else found.stdout.split()


def pip_steps(requirements: Sequence[Path]) -> list[tuple[str, list[str]]]:
    """torch alone comes first: later packages then find it and pull no other build."""
    lines = [line for path in requirements for line in requirement_lines(path)]
    torch = sorted({line for line in lines if re.match(r"torch\s*[=<>~!]", line)})
    if len(torch) > 1:
        raise WorkspaceError(
            f"the sub-projects ask for {' and '.join(torch)}; agree on one"
        )
    steps = [(line, [line]) for line in torch]
    for path in requirements:
        steps.append((f"{path.parent.name}/{path.name}", ["-r", str(path)]))
    return steps


def stamp_of(requirements: Sequence[Path]) -> str:
    """What an environment was made from: the version of Python and all requirements."""
    digest = hashlib.sha256()
    for path in requirements:
        digest.update(f"{path.parent.name}/{path.name}\n".encode() + path.read_bytes())
    return f"Python {_version()}\n{digest.hexdigest()}\n"


def _make(venv: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(venv)],
        capture_output=True,
        text=True,
        env=environment(),
    )
    if made.returncode:
        said = (made.stdout + made.stderr).strip().splitlines() or ["no message"]
        raise WorkspaceError(
            f"python -m venv {venv} failed: {' '.join(said[:2])} "
            "(on Debian and Ubuntu: apt install python3-venv)"
        )


def _pip(python: Path, arguments: list[str], label: str, venv: Path) -> None:
    log = venv / "pip.log"
    command = [python, "-m", "pip", "install", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", *arguments]
    say(label)
    start = time.monotonic()
    with log.open("wb") as out:
        code = run(command, venv, _show, stdout=out, stderr=subprocess.STDOUT)
    back = "\r" if sys.stderr.isatty() else ""
    say(f"{back}      {time.monotonic() - start:.0f} s")
    if code:
        said = _read(log).strip().splitlines()
        errors = [line for line in said if line.startswith("ERROR")] or said[-1:]
        raise WorkspaceError(
            f"pip could not install {label.split()[-1]}: "
            f"{' '.join(errors[:2]) or f'exit {code}'} (all of it: {log}); "
            "check the network and the disk, then type the same command again"
        )


def _show(seconds: float) -> None:
    """A running count on a terminal, a line now and then in a log."""
    if sys.stderr.isatty():
        print(f"\r      {seconds:.0f} s", end="", file=sys.stderr, flush=True)
    elif round(seconds) % 30 == 0:
        say(f"      {seconds:.0f} s ...")


def _version() -> str:
    return platform.python_version()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
