"""Each sub-project stands alone: proved by reading its code, without running it.

No import of another sub-project or of `tools`, relative imports inside `src` that never
leave it, every third-party import declared, no symlinks, and layers: a module of `src`
imports only from layers to the left of its own. Functions of a module that is itself a
command (`python -m src.utils.debug`) may import from every layer, as scripts do.
"""

import ast
import functools
import importlib.metadata
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.projects import (
    WorkspaceError,
    find_projects,
    read_pyproject,
    requirement_lines,
    walk,
)


# Layers joined by "/" are one level and do not import each other. A sub-project may
# have its own, in pyproject.toml: [tool.workspace] layers = ["utils", "data", ...]
LAYERS = ["utils", "data", "models", "losses/metrics", "inference", "training"]
CALLS = {"import_module", "__import__", "run_module", "run_path", "importorskip"}
BOOTSTRAP = "sys.path.insert(0, str(Path(__file__).resolve().parents[1]))"
# For packages that are not installed here and so cannot tell their own names.
KNOWN = {
    "yaml": {"pyyaml"},
    "PIL": {"pillow"},
    "sklearn": {"scikit-learn"},
    "skimage": {"scikit-image"},
    "cupy": {"cupy-cuda12x", "cupy-cuda13x"},
}


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module; `lazy` if the import stands inside a function."""

    module: str
    level: int
    line: int
    lazy: bool


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


def imports(tree: ast.AST, lazy: bool = False) -> Iterator[Import]:
    """Every import below `tree`, also by a call that has the name written out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, 0, node.lineno, lazy)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield Import(node.module, node.level, node.lineno, lazy)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(alias.name, node.level, node.lineno, lazy)
        elif isinstance(node, ast.Call) and _called_name(node):
            yield Import(_called_name(node), 0, node.lineno, lazy)
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from imports(node, lazy or function)


def requirement_names(path: Path) -> set[str]:
    """The distributions that a requirements file asks for; none without the file."""
    return (
        {_normal(line) for line in requirement_lines(path)} if path.exists() else set()
    )


def distributions(module: str) -> set[str]:
    """The names under which pip knows a module."""
    installed = _installed().get(module, ())
    return {_normal(name) for name in installed} or KNOWN.get(module, {_normal(module)})


def _problems(path: Path, foreign: set[str]) -> Iterator[tuple[Path, str]]:
    project = _read_project(path)
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
        inside = file.relative_to(path).parts
        local = {other.stem for other in file.parent.glob("*.py")}
        command = any(map(_is_main, tree.body))
        if inside[0] == "scripts" and BOOTSTRAP not in map(ast.unparse, tree.body):
            yield file, f": has no path bootstrap; write: {BOOTSTRAP}"
        for item in imports(tree):
            problem = (
                _foreign(item, inside, foreign)
                or _undeclared(item, inside, project, local)
                or _wrong_layer(item, inside, project.layers, command)
            )
            if problem:
                yield file, f":{item.line}: {problem}"


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
        extra={_normal(line) for lines in extras for line in lines},
        layers=layers,
    )


def _called_name(node: ast.Call) -> str:
    """The module in `import_module("x")` and the like; empty for any other call."""
    function = node.func
    name = getattr(function, "attr", getattr(function, "id", ""))
    first = node.args[0] if node.args else None
    written_out = isinstance(first, ast.Constant) and isinstance(first.value, str)
    if name not in CALLS or not written_out:
        return ""
    return first.value if "/" in first.value else first.value.lstrip(".")


@functools.cache
def _installed() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def _normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()
