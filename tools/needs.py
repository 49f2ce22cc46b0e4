"""Which packages a file needs, together with what it imports of its own sub-project.

A sub-project can share a file if its requirements.txt has all of them. Local regions
are left out, because each copy has its own.
"""

import ast
import sys
from pathlib import Path

from tools.imports import files_of, imports
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
        for item in imports(_parse(here)):
            inside = files_of(unit, here, item)
            if inside is None:
                found.add(item.module.split(".")[0])
            todo += inside or []
    return {name for name in found if name.isidentifier()} - sys.stdlib_module_names


def _parse(file: Path) -> ast.AST:
    text = file.read_text(encoding="utf-8", errors="replace")
    for shared in (_shared(text), text):
        try:
            return ast.parse(shared)
        except (SyntaxError, ValueError):
            continue
    return ast.parse("")


def _shared(text: str) -> str:
    try:
        return split_local(text)[0]
    except ValueError:
        return text
