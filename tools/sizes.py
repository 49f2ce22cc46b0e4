"""Sizes of files and functions against the budget of the design (section 10)."""

import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.projects import find_projects, walk
from tools.tables import table


FILE_LINES, FUNCTION_LINES = 250, 40


@dataclass(frozen=True, slots=True)
class Size:
    """Lines of one file or function."""

    name: str
    lines: int


def sizes(root: Path, folder: Path) -> tuple[list[Size], list[Size]]:
    """(files, functions) of the product code in `folder`; tests are left out."""
    files, functions = [], []
    for file in _product_files(folder):
        text = file.read_text(encoding="utf-8", errors="replace")
        shown = str(file.relative_to(root))
        files.append(Size(shown, len(text.splitlines())))
        for node in _functions(text):
            length = node.end_lineno - node.lineno + 1
            functions.append(Size(f"{shown}:{node.lineno} {node.name}", length))
    return files, functions


def check(root: Path) -> tuple[str, list[str]]:
    """(the table, the files over the budget). Long functions are shown, not refused."""
    rows, problems, long = [], [], []
    for folder in [*find_projects(root), root / "tools"]:
        files, functions = sizes(root, folder)
        if not files:
            continue
        over = [size for size in functions if size.lines > FUNCTION_LINES]
        long += over
        rows.append(
            [
                folder.name,
                sum(size.lines for size in files),
                *_spread(files),
                *_spread(functions),
                len(over),
            ]
        )
        problems += [
            f"{size.name} has {size.lines} lines, the budget is {FILE_LINES}; split it"
            for size in files
            if size.lines > FILE_LINES
        ]
    heads = ["code", "lines", "files", "median", "max"]
    heads += ["functions", "median", "max", f"over {FUNCTION_LINES}"]
    lines = [table(heads, rows)] if rows else []
    longest = sorted(long, key=lambda size: -size.lines)[:10]
    lines += [f"{size.lines} lines: {size.name}" for size in longest]
    return "\n".join(lines), problems


def _product_files(folder: Path) -> Iterator[Path]:
    for file in walk(folder, ".py", ".js", ".css"):
        if "tests" not in file.relative_to(folder).parts and not file.is_symlink():
            yield file


def _functions(text: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    try:
        nodes = ast.walk(ast.parse(text))
    except (SyntaxError, ValueError):
        return []
    return [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def _spread(found: list[Size]) -> tuple[int, int, int]:
    lines = [size.lines for size in found] or [0]
    return len(found), round(statistics.median(lines)), max(lines)
