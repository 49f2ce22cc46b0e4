"""Which packages a file needs, together with what it imports of its own sub-project.

A sub-project can share a file if its requirements.txt has all of them. Local regions
are left out, because each copy has its own.
"""

import ast
import functools
import sys
from pathlib import Path

from tools.imports import Import, files_of, imports
from tools.packages import distributions, requirement_names
from tools.regions import split_local


def can_share(unit: Path, owner: Path, file: Path) -> bool:
    """Whether `unit` declares every package that `file` of `owner` needs."""
    core = requirement_names(unit / "requirements.txt")
    return all(distributions(name) & core for name in needs(owner, file))


def needs(unit: Path, file: Path) -> set[str]:
    """The third-party modules that are imported, here or further on."""
    found: set[str] = set()
    seen, todo = set(), [file]
    while todo:
        here = todo.pop()
        if here in seen:
            continue
        seen.add(here)
        for item in _imports(here.read_text(encoding="utf-8", errors="replace")):
            inside = files_of(unit, here, item)
            if inside is None:
                found.add(item.module.split(".")[0])
            todo += inside or []
    return {name for name in found if name.isidentifier()} - sys.stdlib_module_names


@functools.cache
def _imports(text: str) -> tuple[Import, ...]:
    """Those of a file with this text; many shared files import the same ones."""
    for code in (_shared(text), text):
        try:
            return tuple(imports(ast.parse(code)))
        except (SyntaxError, ValueError):
            continue
    return ()


def _shared(text: str) -> str:
    try:
        return split_local(text)[0]
    except ValueError:
        return text
