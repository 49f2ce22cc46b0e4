# pattern: tests/contract_docs.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/contract_docs.py --from <sub-project>
"""docs/CONTRACTS.md: read it and compare it with the annotations of the code.

The document says at its top how a section is written.
"""

import inspect
import re
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, get_args, get_origin

import jaxtyping
import numpy as np

from src.utils.axes import fields_of, has_tensor, spell


SETTING = re.compile(r"`\s*(\w+)\s*=\s*([^`]+?)\s*`")
ROW = re.compile(r"^\| *`?([\w.\[\]]+)`? *\| *`([^`]*)` *\| *(.*?) *\|$", re.M)


class Entry(NamedTuple):
    """One section of the document."""

    name: str
    where: str  # file and line
    build: str
    rule: str  # what the sizes must fulfil
    ranges: dict[str, range]
    given: dict[str, str]
    rows: dict[str, str]  # argument, `returns`, `returns[0]`, `returns.x` -> annotation

    def arguments(self) -> dict[str, Any]:
        """The annotations of the tensor arguments, as the document has them."""
        return {n: self._hint(c) for n, c in self.rows.items() if "returns" not in n}

    def results(self) -> dict[str, Any]:
        return {n: self._hint(c) for n, c in self.rows.items() if "returns" in n}

    def _hint(self, cell: str) -> Any:
        known = vars(jaxtyping) | {"ndarray": np.ndarray}
        return eval(cell, known | namespace(self.name))


def read_entries(text: str) -> tuple[list[Entry], list[str]]:
    """The sections of the document, and what in it cannot be read."""
    entries: dict[str, Entry] = {}
    problems = []
    for head in re.finditer(r"^## `([\w.]+)` *\n((?:(?!#).*\n?)*)", text, re.M):
        name, body = head.groups()
        where = f"docs/CONTRACTS.md:{text.count(chr(10), 0, head.start()) + 1}"
        fields = {
            key: _field(body, key) for key in ("build", "where", "sizes", "given")
        }
        spans = re.findall(r"`(\w+) = (\d+)\.\.(\d+)`", fields["sizes"])
        rows = ROW.findall(body.replace("\\|", "│"))
        entry = Entry(
            name,
            where,
            fields["build"].strip("` "),
            fields["where"].strip("` ") or "True",
            {axis: range(int(low), int(high) + 1) for axis, low, high in spans},
            dict(SETTING.findall(fields["given"])),
            {row: cell.replace("│", "|").replace('" ', '"') for row, cell, _ in rows},
        )
        if name in entries:
            problems.append(
                f"{where}: {name} has a section already at {entries[name].where}"
            )
        if len(rows) != len(entry.rows) or len(rows) != _count_rows(body):
            problems.append(f"{where}: {name} has a row that cannot be read")
        if not all(meaning for *_, meaning in rows):
            problems.append(f"{where}: {name} has a row without a meaning")
        entries.setdefault(name, entry)
    return list(entries.values()), problems


def compare(entries: list[Entry], registry: dict[str, Callable]) -> list[str]:
    """Each way in which the document and the annotations of the code differ."""
    documented = {entry.name: entry for entry in entries}
    problems = [
        f"{entry.where}: {entry.name} is not a contract in the code"
        for entry in entries
        if entry.name not in registry
    ]
    for name, function in registry.items():
        if name not in documented:
            problems.append(
                f"docs/CONTRACTS.md has no section for {name}; begin with\n"
                f"{skeleton(name, function)}\n"
            )
            continue
        entry, rows = documented[name], rows_of(function)
        for row in [*rows, *(entry.rows.keys() - rows.keys())]:
            said, is_so = entry.rows.get(row, "nothing"), rows.get(row, "nothing")
            if said != is_so:
                text = f"{entry.where}: {name}, {row}: the document says {said}\n"
                problems.append(text + f"    but the code says {is_so}")
        problems += [
            f"{entry.where}: {name} needs {gap}" for gap in _gaps(entry, function)
        ]
    return problems


def rows_of(function: Callable) -> dict[str, str]:
    """The rows that the document should have, from the annotations."""
    signature = inspect.signature(function)
    hints = {p.name: p.annotation for p in signature.parameters.values()}
    given = signature.return_annotation
    if get_origin(given) is tuple and Ellipsis not in get_args(given):
        hints |= {f"returns[{i}]": part for i, part in enumerate(get_args(given))}
    elif fields := fields_of(given):
        hints |= {f"returns.{name}": part for name, part in fields.items()}
    else:
        hints["returns"] = given
    plain = re.compile(r"\{(?:\w+\.)*(\w+)\}")  # {self.width} -> width
    return {
        row: plain.sub(r"\1", spell(hint))
        for row, hint in hints.items()
        # A NamedTuple that is an argument is told by `given:`.
        if has_tensor(hint) and (row.startswith("returns") or not _is_named(hint))
    }


def _is_named(hint: Any) -> bool:
    """Whether it is a NamedTuple, or one or nothing."""
    return any(map(fields_of, [hint, *get_args(hint)]))


def skeleton(name: str, function: Callable) -> str:
    """A section for the document; what the code does not say is left open."""
    lines = [f"## `{name}`"]
    if "." in function.__qualname__:
        lines.append("build: ``")
    rows = rows_of(function)
    if required := [p for p in _required(function) if p not in rows]:
        lines.append(
            "given: " + "; ".join(f"`{parameter} = `" for parameter in required)
        )
    lines += ["", "| tensor | contract | meaning |", "| --- | --- | --- |"]
    for row, hint in rows.items():
        title, cell = (
            row if row.startswith("returns") else f"`{row}`",
            hint.replace("|", "\\|"),
        )
        lines.append(f"| {title} | `{cell}` |  |")
    return "\n".join(lines)


def namespace(name: str) -> dict[str, Any]:
    """The globals of the module of a contract."""
    parts = ["src", *name.split(".")]
    names = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return vars(sys.modules[next(n for n in names if n in sys.modules)])


def _field(body: str, key: str) -> str:
    found = re.search(rf"^{key}: *(.+(?:\n  +.+)*)", body, re.M)
    return " ".join(found[1].split()) if found else ""


def _count_rows(body: str) -> int:
    """Table lines below the rule of dashes."""
    return len(re.findall(r"^\|", body.partition("---")[2], re.M))


def _gaps(entry: Entry, function: Callable) -> list[str]:
    """What must be added before the callable can be called."""
    gaps = []
    if "." in function.__qualname__ and not entry.build:
        gaps.append("a line `build:` that makes its object")
    for parameter in _required(function):
        if parameter not in entry.rows.keys() | entry.given.keys():
            gaps.append(f"a value of `{parameter}` in the line `given:`")
    return gaps


def _required(function: Callable) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.name != "self"]
