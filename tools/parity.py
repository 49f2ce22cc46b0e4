"""Every component beside its reference: the largest errors of value and gradient.

    python -m tools parity               run the marked tests, write the table
    python -m tools parity vision_cnn    only these; the others keep their rows
    python -m tools parity --check       do README, results and tests agree?
    python -m tools parity --table       write the table of the results as they are

The tests are those with @pytest.mark.parity(component, reference); each sub-project
runs its own, in its folder. Results: tools/results/parity.json, a table in README.md.
Nothing is written if a test fails.
"""

import argparse
import decimal
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools import readme_tables, results
from tools.groups import Command, run_commands
from tools.parity_marks import Marks, marks
from tools.processes import handle_signals, say
from tools.projects import ROOT, WorkspaceError, find_projects, select


NAME = "parity"
LIMIT = 30 * 60  # seconds
WORKERS = 2  # errors do not depend on what else runs
TOLD = """{count} comparisons with an independent implementation: that of a library, or
the definition written out. An error is |ours - theirs| / max(1, |theirs|), the largest
of all numbers of all tests; float64 rounds at 1e-16, float32 at 6e-8. Made by
`python -m tools parity` on: {machines}."""
DOTTED = re.compile(r"[A-Za-z_]\w*(\.\w+)+(\(.*\))?")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, check, or write the table; the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools parity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("projects", nargs="*", metavar="P", help="sub-projects (all)")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="compare, measure nothing")
    only.add_argument("--table", action="store_true", help="write README.md only")
    given = parser.parse_args(arguments)
    if given.projects and (given.check or given.table):
        parser.error("--check and --table are for all sub-projects at once")
    handle_signals()
    try:
        if given.check:
            problems = check(ROOT)
            print("\n".join(problems) or "README.md, the results and the tests agree")
            return 1 if problems else 0
        if not given.table:
            measure(ROOT, given.projects)
        of_folder = tables(ROOT)
        readme_tables.update(ROOT, NAME, of_folder)
        print(of_folder(ROOT))
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("stopped")
        return 130
    return 0


def measure(root: Path, names: Sequence[str]) -> None:
    """Run the marked tests of these sub-projects and put their rows in the file."""
    content = results.read(root, NAME)
    known = {project.name: project for project in find_projects(root)}
    chosen = [known[name] for name in select(names, list(known))]
    found = {project.name: marks(root, project) for project in chosen}
    with tempfile.TemporaryDirectory() as scratch:
        commands = [
            _command(root, project, found[project.name], Path(scratch))
            for project in chosen
            if found[project.name]
        ]
        for command, ended in zip(
            commands, run_commands(commands, LIMIT, WORKERS), strict=True
        ):
            if ended.code:
                raise WorkspaceError(
                    f"the tests of parity of {command.name} ended with code "
                    f"{ended.code}; nothing was written"
                )
        rows = [
            row for command in commands for row in _rows(Path(scratch), command.name)
        ]
    measured = [(r["project"], r["component"], r["reference"]) for r in rows]
    marked = [(name, *pair) for name, pairs in found.items() for pair in pairs]
    if odd := set(marked) ^ set(measured):
        key = min(odd)
        told = "was marked but not compared" if key in marked else "has no mark there"
        raise WorkspaceError(
            f"the tests of {key[0]} were run, and {key[1]} beside {key[2]} {told} (a "
            "test that skips, a mark in a helper); nothing was written"
        )
    new = results.replaced(
        content,
        rows,
        results.this_machine(),
        lambda row: row["project"] in found or row["project"] not in known,
        lambda row: (row["project"], row["component"].casefold(), row["reference"]),
    )
    results.write(root, NAME, new)


def check(root: Path) -> list[str]:
    """What differs between the marks, the results and the READMEs."""
    shown = results.path_of(root, NAME).relative_to(root)
    rows = results.read(root, NAME)["rows"]
    measured = {(r["project"], r["component"], r["reference"]) for r in rows}
    marked = {
        (project.name, *pair): place
        for project in find_projects(root)
        for pair, place in marks(root, project).items()
    }
    problems = [
        f"{place}: {key[1]} beside {key[2]} is not in {shown}; type: "
        f"python -m tools parity {key[0]}"
        for key, place in sorted(marked.items())
        if key not in measured
    ]
    problems += [
        f"{shown}: no test of {project} compares {component} beside {reference} any "
        f"more; type: python -m tools parity"
        for project, component, reference in sorted(measured - marked.keys())
    ]
    return problems + readme_tables.stale(root, NAME, tables(root))


def tables(root: Path) -> readme_tables.Tables:
    """What the results say, for the README of each folder."""
    content = results.read(root, NAME)

    def told(rows: Sequence[dict]) -> str:
        machines = "; ".join(results.machines_of(content, rows).values())
        return TOLD.format(count=len(rows), machines=machines)

    def lines(name: str, rows: Sequence[dict]) -> list[list[object]]:
        return [[name, len(rows), sum(map(_is_close, rows)), *_worst(rows)]]

    heads = ["sub-project", "comparisons", "below 1e-9"]
    heads += ["largest error in value", "in gradient"]
    return readme_tables.by_project(root, content["rows"], told, heads, lines, _full)


def _full(rows: Sequence[dict]) -> str:
    heads = ["component", "reference", "error in value", "in gradient"]
    cells = [
        [
            r["component"],
            _code(r["reference"]),
            _error(r["value"]),
            _error(r["gradient"]),
        ]
        for r in rows
    ]
    return readme_tables.markdown(heads, cells)


def _code(reference: str) -> str:
    return f"`{reference}`" if DOTTED.fullmatch(reference) else reference


def _is_close(row: dict) -> bool:
    return max(row["value"] or 0, row["gradient"] or 0) < 1e-9


def _worst(rows: Sequence[dict]) -> Iterator[str]:
    """The largest error of each kind, and whose it is."""
    for kind in ("value", "gradient"):
        row = max(rows, key=lambda row: row[kind] or 0)
        error = _error(row[kind])
        yield f"{error} ({row['component']})" if row[kind] else error


def _error(value: float | None) -> str:
    return "" if value is None else f"{value:.0e}" if value else "0"


def _command(root: Path, project: Path, found: Marks, scratch: Path) -> Command:
    files = sorted({place.rpartition(":")[0] for place in found.values()})
    files = [str((root / file).relative_to(project)) for file in files]
    words = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-m", "parity"]
    return Command(
        project.name,
        [*words, f"--parity-json={scratch / project.name}.json", *files],
        project,
    )


def _rows(scratch: Path, project: str) -> Iterator[dict]:
    """What the sub-project wrote, rounded up to one digit: the next one is noise."""
    for row in json.loads((scratch / f"{project}.json").read_text("utf-8"))["rows"]:
        error = {
            kind: None if row[kind] is None else _one_digit(row[kind])
            for kind in ("value", "gradient")
        }
        names = {key: row[key] for key in ("component", "reference")}
        yield {"project": project, **names, **error, "atol": row["atol"]}


def _one_digit(error: float) -> float:
    """Not below the error; four digits of it are taken as they are, 0.3 is 3e-1."""
    return float(decimal.Context(1, decimal.ROUND_UP).create_decimal(f"{error:.3e}"))


if __name__ == "__main__":
    sys.exit(main())
