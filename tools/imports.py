"""The imports of a file, read from its code."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


CALLS = {"import_module", "__import__", "run_module", "run_path", "importorskip"}


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
ENDS = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.cmpop, ast.alias)
"""Two nodes of three: they have nothing below them that imports."""


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module; `lazy` if the import stands inside a function."""

    module: str
    level: int
    line: int
    lazy: bool
    names: tuple[str, ...] = ()  # what is taken from it: perhaps modules too


def imports(tree: ast.AST) -> Iterator[Import]:
    """Every import below `tree`, also by a call that has the name written out."""
    waiting = [(tree, False)]
    while waiting:
        node, lazy = waiting.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, 0, node.lineno, lazy)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = tuple(alias.name for alias in node.names)
            yield Import(node.module, node.level, node.lineno, lazy, names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(alias.name, node.level, node.lineno, lazy)
        elif isinstance(node, ast.Call) and _called_name(node):
            yield Import(_called_name(node), 0, node.lineno, lazy)
        inside = lazy or isinstance(node, FUNCTIONS)
        below = [one for one in ast.iter_child_nodes(node) if not isinstance(one, ENDS)]
        waiting += [(child, inside) for child in reversed(below)]


def files_of(unit: Path, here: Path, item: Import) -> list[Path] | None:
    """The files of the sub-project that an import runs; None if it names a package."""
    parts = item.module.split(".")
    if item.level:
        base = here.parents[item.level - 1]
    elif parts[0] in ("src", "tests", "scripts"):
        base = unit
    else:
        return None
    path = base.joinpath(*parts)
    below = [path / f"{name}.py" for name in item.names]
    places = [path.with_suffix(".py"), path / "__init__.py", *below]
    return [place for place in places if place.exists()]


def _called_name(node: ast.Call) -> str:
    """The module in `import_module("x")` and the like; empty for any other call."""
    function = node.func
    name = getattr(function, "attr", getattr(function, "id", ""))
    first = node.args[0] if node.args else None
    written_out = isinstance(first, ast.Constant) and isinstance(first.value, str)
    if name not in CALLS or not written_out:
        return ""
    return first.value if "/" in first.value else first.value.lstrip(".")
