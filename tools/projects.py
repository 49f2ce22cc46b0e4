"""Where the sub-projects are: found by looking, never from a list."""

import difflib
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path


ROOT = Path(__file__).resolve().parents[1]
# And all that begins with "."; `build` is left behind by `pip install .`.
MADE_BY_RUNNING = {"runs", "build", "__pycache__", "node_modules"}


class WorkspaceError(Exception):
    """Something that a person can put right: one sentence, exit code 2."""


def find_projects(root: Path) -> list[Path]:
    """The folders of `root` that hold a package `src`, sorted by name."""
    found = (init.parents[1] for init in root.glob("*/src/__init__.py"))
    return sorted(path for path in found if not path.name.startswith("."))


def select(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """The known names among `names`, in the order of `known`; all if none is given."""
    for name in names:
        if name.rstrip("/") not in known:
            near = difflib.get_close_matches(name, known, n=1)
            guess = f"; did you mean {near[0]}?" if near else ";"
            raise WorkspaceError(f"{name} is not here{guess} known: {', '.join(known)}")
    wanted = {name.rstrip("/") for name in names}
    return [name for name in known if name in wanted or not names]


def walk(folder: Path, *suffixes: str) -> Iterator[Path]:
    """Every file and link that a person wrote, sorted; any suffix if none is given."""
    for path in sorted(folder.iterdir()):
        if path.name in MADE_BY_RUNNING or path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from walk(path, *suffixes)
        elif not suffixes or path.suffix in suffixes:
            yield path


def read_pyproject(project: Path) -> dict:
    """The sub-project's pyproject.toml; empty when it has none."""
    path = project / "pyproject.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise WorkspaceError(f"{path}: {error}") from None


def describe(project: Path) -> str:
    """One line about the sub-project, as its pyproject.toml tells it."""
    return read_pyproject(project).get("project", {}).get("description", "")


def requirement_files(folder: Path) -> list[Path]:
    """What the sub-project (or `tools`) asks pip for."""
    names = ("requirements.txt", "requirements-dev.txt")
    return [folder / name for name in names if (folder / name).exists()]


def requirement_lines(path: Path) -> list[str]:
    """The requirements in a file, without comments and options of pip."""
    text = path.read_text(encoding="utf-8")
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("-")]
