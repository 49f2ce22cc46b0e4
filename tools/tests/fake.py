"""A small workspace in a temporary folder: the real tools, made-up sub-projects."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tools.environment import STAMP, all_requirements, stamp_of
from tools.independence import BOOTSTRAP
from tools.projects import ROOT


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


QUICK = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # hypothesis alone takes seconds
DEMO = {
    "model": "net",
    "metric": "score",
    "steps": [["scripts/train.py", "--name", "demo"]],
    "value": {"file": "runs/demo/summary.json", "key": "test.score"},
    "picture": "runs/demo/picture.png",
}
TRAIN = f"""import json
import sys
from pathlib import Path


{BOOTSTRAP}

if "--help" in sys.argv:
    sys.exit(print("--name TEXT  --help"))
run = Path("runs", sys.argv[2])
run.mkdir(parents=True, exist_ok=True)
(run / "summary.json").write_text(json.dumps({{"test": {{"score": 0.75}}}}))
(run / "picture.png").write_bytes(b"")
print("trained in", Path.cwd().name)
"""
HOLDS = "def test_the_document_and_the_tests_of_this_project_agree():\n    pass\n"
AGREE = "def test_the_document_and_the_annotations_agree():\n    pass\n"


def project(root: Path, name: str, files: Mapping[str, str] | None = None) -> Path:
    """A sub-project that passes every check by itself, plus or instead `files`."""
    whole = {
        "src/__init__.py": "",
        "scripts/train.py": TRAIN,
        "requirements.txt": "",
        "README.md": f"# {name}\n",
        "pyproject.toml": f'[project]\nname = "{name}"\ndescription = "On {name}."\n',
        "demo.json": json.dumps(DEMO),
        "tests/test_spec.py": HOLDS,
        "tests/test_contracts.py": AGREE,
    }
    for path, text in (whole | dict(files or {})).items():
        write(root / name / path, text)
    return root / name


def workspace(root: Path) -> Path:
    """The real tools with one test instead of theirs, in a path with a space."""
    here = root / "work space"
    shutil.copytree(
        ROOT / "tools",
        here / "tools",
        ignore=shutil.ignore_patterns("tests", "results", "__pycache__", "*.txt"),
    )
    write(here / "tools" / "tests" / "test_tools.py", "def test_it():\n    pass\n")
    write(here / "README.md", "# Work space\n")
    shutil.copy(ROOT / "ruff.toml", here)
    return here


def make_ready(root: Path) -> Path:
    """An environment that passes for a finished one: it starts this very Python."""
    python = write(
        root / ".venv/bin/python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    stamp = stamp_of(all_requirements(root))
    return write(root / ".venv" / STAMP, stamp)


def call(root: Path, *arguments: str, cwd: Path | None = None, **env: str):
    """Run tools/workspace.py of a workspace as a user does, from any folder."""
    return subprocess.run(
        [sys.executable, str(root / "tools" / "workspace.py"), *arguments],
        cwd=cwd or root.parent,
        env=os.environ | QUICK | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def wheel(
    folder: Path, name: str, version: str, code: str = "", needs: str = ""
) -> Path:
    """A package of one module that pip can install without a network."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    needed = f"Requires-Dist: {needs}\n" if needs else ""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", code)
        file.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        )
        file.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
            "Tag: py3-none-any\n",
        )
        file.writestr(f"{info}/RECORD", "")
    return path
