"""A small workspace in a temporary folder, with the real tools and made-up sub-projects."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tools.projects import ROOT


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def project(root: Path, name: str, files: Mapping[str, str] | None = None) -> Path:
    """A sub-project that passes every check by itself, plus or instead `files`."""
    whole = {
        "src/__init__.py": "",
        "requirements.txt": "",
        "README.md": f"# {name}\n",
        "pyproject.toml": f'[project]\nname = "{name}"\ndescription = "About {name}."\n',
        "tests/test_it.py": "def test_it():\n    pass\n",
    }
    for path, text in (whole | dict(files or {})).items():
        write(root / name / path, text)
    return root / name


def workspace(root: Path) -> Path:
    """The real tools without their tests and requirements, in a path with a space."""
    here = root / "work space"
    shutil.copytree(
        ROOT / "tools",
        here / "tools",
        ignore=shutil.ignore_patterns("tests", "__pycache__", "*.txt"),
    )
    return here


def call(root: Path, *arguments: str, cwd: Path | None = None, **env: str):
    """Run tools/workspace.py of a workspace as a user does, from any folder."""
    return subprocess.run(
        [sys.executable, str(root / "tools" / "workspace.py"), *arguments],
        cwd=cwd or root.parent,
        env=os.environ | env,
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
