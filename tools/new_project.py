"""A new sub-project whose tests pass at once: `new_project NAME --from P`.

The shared patterns of P are copied as they are; all else is a skeleton that learns a
toy (`tools/templates/new_project`): a perceptron that parts spirals, with README,
specification, contracts, commands and tests. Make it yours from there.
"""

import argparse
import itertools
import keyword
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.copies import members
from tools.environment import python_of
from tools.packages import requirement_names
from tools.processes import handle_signals
from tools.projects import ROOT, WorkspaceError, find_projects, select
from tools.regions import BEGIN, split_local


TEMPLATES = Path(__file__).parent / "templates" / "new_project"
NEEDED = "training/trainer.py"
# What the skeleton has no use for: they need a notebook, pages, or figures to measure.
LEFT_OUT = (
    "app/",
    "scripts/find_lr.py",
    "training/lr_finder.py",
    "utils/folders.py",
    "tests/integration_walkthrough.py",
    "tests/benchmarks/",
    "tests/app_serving.py",
    "tests/browser.py",
    "tests/integration_app_",
    "tests/photographs.py",
    "tests/test_app_",
)
ID = re.compile(r"^- \*\*([A-Z]+)-\d{3}\*\*", re.M)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make it, and say what to type next."""
    parser = argparse.ArgumentParser(prog="tools new_project", description=__doc__)
    parser.add_argument("name", metavar="NAME", help="lower case, as in my_project")
    parser.add_argument(
        "--from", dest="source", required=True, metavar="P", help="gives the patterns"
    )
    given = parser.parse_args(arguments)
    handle_signals()
    try:
        folder, prefix = make(ROOT, given.name, given.source)
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; nothing was made", file=sys.stderr)
        return 130
    print(f"made {folder.name}, whose requirements are {prefix}-001 and on\n")
    print(f"python3 tools/workspace.py test {folder.name}")
    python = python_of(Path("../.venv"))
    print(f"cd {folder.name}")
    print(f"{python} scripts/train.py --config configs/toy_spirals.yaml")
    return 0


def make(root: Path, name: str, source: str) -> tuple[Path, str]:
    """(the folder, the prefix of its ids); it appears whole or not at all."""
    check_name(root, name)
    select([source], [path.name for path in find_projects(root)])
    files = _patterns(root, source.rstrip("/"))
    prefix = free_prefix(root, name)
    words = {
        "__NAME__": name,
        "__DIST__": name.replace("_", "-"),
        "__TITLE__": name.replace("_", " ").capitalize(),
        "__ID__": prefix,
    }
    part = root / f".{name}.{os.getpid()}.part"
    try:
        for path, text in files.items():
            _write(part / path, text)
        for template in sorted(TEMPLATES.rglob("*.in")):
            path = template.relative_to(TEMPLATES).with_suffix("")
            text = _fill(template.read_text(encoding="utf-8"), words)
            if path.parts[0] == "regions":
                path = Path(*path.parts[1:])
                text = _with_regions(files, path, text)
            _write(part / path, text)
        os.rename(part, root / name)
    except OSError as error:
        raise WorkspaceError(
            f"{root / name}: cannot be made ({error.strerror})"
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return root / name, prefix


def check_name(root: Path, name: str) -> None:
    """A sentence for a name that cannot be a package beside the others."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise WorkspaceError(
            f"{name!r} cannot be a package; use lower-case letters, digits and _, "
            "beginning with a letter, as in my_project"
        )
    projects = find_projects(root)
    folders = [root / "tools", *projects]
    files = [
        f / n for f in folders for n in ("requirements.txt", "requirements-dev.txt")
    ]
    packages = {one.replace("-", "_") for f in files for one in requirement_names(f)}
    if name in sys.stdlib_module_names | packages | {"src", "tests", "scripts"}:
        raise WorkspaceError(
            f"{name} is the name of a module that others import; choose another"
        )
    if name in ("data", "exercises", "runs", "build"):
        raise WorkspaceError(
            f"{name} is the name of a folder that the tools write; choose another"
        )
    if any(path.name.lower() == name for path in root.iterdir()):
        raise WorkspaceError(f"{name} is there already; choose another name")


def free_prefix(root: Path, name: str) -> str:
    """Three letters of the name in their order that no specification uses."""
    documents = root.glob("*/docs/SPEC.md")
    taken = {id for d in documents for id in ID.findall(d.read_text(encoding="utf-8"))}
    letters = [letter for letter in name.upper() if letter.isalpha()]
    padded = [*letters, *"XYZ"]
    for found in itertools.combinations(padded, 3):
        if "".join(found) not in taken:
            return "".join(found)
    raise WorkspaceError(f"every prefix of {name} is taken; choose another name")


def _patterns(root: Path, source: str) -> dict[Path, str]:
    """Path in the sub-project -> text, for each pattern that the skeleton uses."""
    owned = {
        path: files[source] for path, files in members(root).items() if source in files
    }
    if NEEDED not in owned:
        can = ", ".join(members(root).get(NEEDED, {})) or "none is here"
        raise WorkspaceError(
            f"{source} has no src/{NEEDED}, which the skeleton trains with; "
            f"choose --from one of: {can}"
        )
    return {
        file.relative_to(root / source): file.read_text(encoding="utf-8")
        for path, file in owned.items()
        if not path.startswith(LEFT_OUT)
    }


def _with_regions(files: dict[Path, str], path: Path, regions: str) -> str:
    """A pattern with the skeleton's local regions instead of those of its owner."""
    if path not in files:
        raise WorkspaceError(f"the pattern {path} is gone; so should be its template")
    (shared, old), (_, new) = split_local(files[path]), split_local(regions)
    if len(old) != len(new):
        raise WorkspaceError(
            f"{path} has {len(old)} local regions and its template {len(new)}; "
            f"make them equal in {TEMPLATES / 'regions' / path}.in"
        )
    lines, left = [], iter(new)
    for line in shared.splitlines(keepends=True):
        lines.append(line)
        if line.strip() == BEGIN:
            lines.append(next(left))
    return "".join(lines)


def _fill(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
