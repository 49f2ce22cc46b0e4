"""Each sub-project stands alone: proved by reading its code, without running it.

No import of another sub-project or of `tools`, relative imports inside `src` that never
leave it, every third-party import declared, no symlinks, and layers: a module of `src`
imports only from layers to the left of its own. A module of src that imports an extra
may itself be imported only inside a function. Functions of a module that is itself a
command (`python -m src.utils.debug`) may import from every layer, as scripts do.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.imports import Import, files_of, imports
from tools.packages import distributions, normal, requirement_names
from tools.projects import WorkspaceError, find_projects, read_pyproject, walk


# Layers joined by "/" are one level and do not import each other. A sub-project may
# have its own, in pyproject.toml: [tool.workspace] layers = ["utils", "data", ...]
LAYERS = ["utils", "data", "models", "losses/metrics", "inference", "training", "app"]
BOOTSTRAP = "sys.path.insert(0, str(Path(__file__).resolve().parents[1]))"


@dataclass(frozen=True, slots=True)
class Project:
    """What a sub-project declares about itself."""

    core: set[str]  # distributions in requirements.txt
    dev: set[str]  # in requirements-dev.txt
    extra: set[str]  # in the extras of pyproject.toml
    layers: list[str]


def check(root: Path) -> list[str]:
    """Every breach as `file:line: sentence`, over all sub-projects."""
    projects = find_projects(root)
    foreign = {path.name for path in projects} | {"tools"}
    return [
        f"{file.relative_to(root)}{problem}"
        for path in projects
        for file, problem in _problems(path, foreign)
    ]


def _problems(path: Path, foreign: set[str]) -> Iterator[tuple[Path, str]]:
    project = _read_project(path)
    found, commands = {}, set()  # no trees: thousands of nodes a file
    for file in walk(path):
        if file.is_symlink():
            yield file, ": is a symlink; copies of the folder may lose it"
            continue
        if file.suffix != ".py":
            continue
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError) as error:
            yield file, f": cannot be read as Python: {error}"
            continue
        found[file] = list(imports(tree))
        if any(map(_is_main, tree.body)):
            commands.add(file)
        script = file.relative_to(path).parts[0] == "scripts"
        if script and BOOTSTRAP not in map(ast.unparse, tree.body):
            yield file, f": has no path bootstrap; write: {BOOTSTRAP}"
    optional = {
        file
        for file, items in found.items()
        if file.is_relative_to(path / "src") and _needs_extra(items, project)
    }
    for file, items in found.items():
        inside = file.relative_to(path).parts
        local = {other.stem for other in file.parent.glob("*.py")}
        for item in items:
            problem = (
                _foreign(item, inside, foreign)
                or _undeclared(item, inside, project, local)
                or _wrong_layer(item, inside, project.layers, file in commands)
                or _too_early(item, path, file, optional)
            )
            if problem:
                yield file, f":{item.line}: {problem}"


def _needs_extra(items: list[Import], project: Project) -> bool:
    """Whether a module of src imports an extra at its top, and so needs it at once."""
    tops = {
        item.module.split(".")[0] for item in items if not item.level and not item.lazy
    }
    extra = project.extra - project.core
    return any(distributions(top) & extra for top in tops if top.isidentifier())


def _too_early(item: Import, path: Path, file: Path, optional: set[Path]) -> str:
    if item.lazy or file in optional or file.is_relative_to(path / "tests"):
        return ""
    found = set(files_of(path, file, item) or ()) & optional
    names = ", ".join(sorted(place.name for place in found))
    return f"{names} needs an extra: import it inside a function" if found else ""


def _foreign(item: Import, inside: tuple[str, ...], foreign: set[str]) -> str:
    in_src = inside[0] == "src"
    if item.level and not in_src:
        return "relative imports are for src only; write: from src... import ..."
    if item.level > len(inside) - 1:
        return f"`{'.' * item.level}{item.module}` leaves the package src"
    if item.level:
        return ""
    if in_src and item.module == "__future__":
        return "no __future__ import in src: it hides annotations from the contracts"
    path = PurePosixPath(item.module).parts
    names = set(path) if len(path) > 1 else {item.module.split(".")[0]}
    if names & (foreign | {"..", "/"}):
        return f"imports {item.module}, which is not part of this sub-project"
    if in_src and "src" in names:
        return f"inside src the import of {item.module} must be relative"
    return ""


def _undeclared(
    item: Import, inside: tuple[str, ...], project: Project, local: set[str]
) -> str:
    top = item.module.split(".")[0]
    known = {"", "src", "tests", "scripts"} | sys.stdlib_module_names
    if item.level or top in known or "/" in item.module:
        return ""
    if top in local and inside[0] != "src":
        return ""
    allowed, where = project.core, "requirements.txt"
    if inside[0] == "tests":
        allowed = project.core | project.dev | project.extra
        where = "requirements.txt or requirements-dev.txt"
    elif item.lazy:
        allowed = project.core | project.extra
    names = distributions(top)
    if names & allowed:
        return ""
    if names & project.extra and inside[0] == "src":
        return ""  # `_too_early` tells who needs it at once
    if names & project.extra:
        return f"imports {top}, an extra: import it inside the function that needs it"
    return f"imports {top}: {' or '.join(sorted(names))} is not in {where}"


def _wrong_layer(
    item: Import, inside: tuple[str, ...], layers: list[str], command: bool
) -> str:
    if inside[0] != "src" or len(inside) < 3 or (command and item.lazy):
        return ""
    order = {name: at for at, level in enumerate(layers) for name in level.split("/")}
    here = inside[1]
    if here not in order:
        return f"src/{here} is in no layer; they are: {' -> '.join(layers)}"
    package = inside[:-1]
    target = [*package[: len(package) - item.level + 1], *item.module.split(".")]
    there = target[1] if item.level else here
    if there == here or there not in order or order[there] < order[here]:
        return ""
    return f"{here} may not import from {there}; the order is {' -> '.join(layers)}"


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "'__main__'" in ast.unparse(node.test)


def _read_project(path: Path) -> Project:
    table = read_pyproject(path)
    extras = table.get("project", {}).get("optional-dependencies", {}).values()
    layers = table.get("tool", {}).get("workspace", {}).get("layers", LAYERS)
    if not isinstance(layers, list) or not all(isinstance(x, str) for x in layers):
        raise WorkspaceError(
            f"{path / 'pyproject.toml'}: tool.workspace.layers must be a list of words"
        )
    return Project(
        core=requirement_names(path / "requirements.txt"),
        dev=requirement_names(path / "requirements-dev.txt"),
        extra={normal(line) for lines in extras for line in lines},
        layers=layers,
    )
