"""Every component beside its rival: the ratios of time or memory, ours over theirs.

    python -m tools benchmark                            all, one after another
    python -m tools benchmark vision_cnn                 those of a sub-project
    python -m tools benchmark vision_cnn/benchmark_step  one; the others keep their rows
    python -m tools benchmark --check                    do README and results agree?
    python -m tools benchmark --table                    write the table of the results,
                                                         without removed benchmarks

Each sub-project's tests/benchmarks/benchmark_*.py runs in its folder with its own sizes
and threads, those that took longest last. Close other programs: only a quiet machine
gives figures worth keeping. Results: tools/results/benchmarks.json, a table in
README.md; both are written after each benchmark, so that Ctrl-C keeps what is done.
"""

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools import readme_tables, results
from tools.processes import handle_signals, run, say
from tools.projects import ROOT, WorkspaceError, find_projects, select


NAME, FILE = "benchmark", "benchmarks"
# What someone has set for another purpose and what changes the speed of numpy or torch:
# kernels forced on a library, numbers of threads, how malloc keeps memory.
SPEED = ("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_")
SPEED += ("NUMEXPR_", "NUMBA_", "MALLOC_", "JAXTYPING_")
TOLD = """{count} comparisons. A ratio is ours over theirs; below 1 ours needs less. The
rival is a library, or what one would write without ours: the tables say which.
Made by `python -m tools benchmark`; only ratios travel between machines.

{machines}"""
NAMES = ("component", "rival", "quantity")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, check, or write the table; the exit code, 1 if a benchmark failed."""
    parser = argparse.ArgumentParser(
        prog="tools benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="P[/benchmark_x]", help="(all)")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="compare, measure nothing")
    only.add_argument(
        "--table", action="store_true", help="write README.md; rows without a file go"
    )
    given = parser.parse_args(arguments)
    if given.names and (given.check or given.table):
        parser.error("--check and --table are for all benchmarks at once")
    handle_signals()
    try:
        if given.check:
            problems = check(ROOT)
            print("\n".join(problems) or "README.md, the results and the files agree")
            return 1 if problems else 0
        failed = [] if given.table else measure(ROOT, given.names)
        keep(ROOT, [])  # README.md is in order, even if all have failed
        print(_measured(ROOT, given.names) if given.names else tables(ROOT)(ROOT))
        say(f"written: {results.path_of(ROOT, FILE).relative_to(ROOT)} and README.md")
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("stopped")
        return 130
    for sentence in failed:
        say(sentence)
    return 1 if failed else 0


def measure(root: Path, names: Sequence[str]) -> list[str]:
    """Run these benchmarks one by one; a sentence for each that failed."""
    known, chosen = scripts(root), choose(root, names)
    rows = results.read(root, FILE)["rows"]
    took = {_name(row): row["seconds"] for row in rows}
    chosen.sort(key=lambda name: took.get(name, 0))
    _forget_speed()
    failed = []
    for number, name in enumerate(chosen, start=1):
        before = f", {took[name]} s the last time" if name in took else ""
        say(f"\n== {name}: {number} of {len(chosen)}{before} ==")
        try:
            keep(root, run_one(name, known[name]))
        except WorkspaceError as error:
            failed.append(f"{error}; the rows of {name} stay as they were")
            say(failed[-1])
    return failed


def choose(root: Path, names: Sequence[str]) -> list[str]:
    """The benchmarks of these names and of these sub-projects; all for no name."""
    known = list(scripts(root))
    wanted = select(names, [*known, *dict.fromkeys(map(_project, known))])
    return [name for name in known if {name, _project(name)} & {*wanted}]


def run_one(name: str, script: Path) -> list[dict]:
    """Run a benchmark; the rows that it gives, with threads, date and seconds."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "benchmark.json")
        command = [sys.executable, script, "--json", path]
        code = run(command, script.parents[2], stdout=sys.stderr.fileno())
        if code:
            raise WorkspaceError(f"{name} ended with code {code}")
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
            rows = [_row(row) for row in report["rows"]]
            threads = int(report["device"]["threads"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise WorkspaceError(
                f"{name} --json writes no `rows` of {', '.join(NAMES)} and ratio, or "
                f"no `device` with threads ({error!r})"
            ) from None
    if not rows:
        raise WorkspaceError(f"{name} compared nothing; is its rival installed?")
    project, stem = _project(name), script.stem
    about = {"threads": threads, "date": datetime.date.today().isoformat()}
    about["seconds"] = round(time.monotonic() - started)
    return [{"project": project, "benchmark": stem} | row | about for row in rows]


def keep(root: Path, rows: Sequence[dict]) -> None:
    """Put the rows in the file and the READMEs; those of removed benchmarks go."""
    known, own = list(scripts(root)), {_name(row) for row in rows}
    new = results.replaced(
        results.read(root, FILE),
        rows,
        results.this_machine(),
        lambda row: _name(row) in own or _name(row) not in known,
        lambda row: (row["project"], row["benchmark"]),
    )
    results.write(root, FILE, new)
    readme_tables.update(root, NAME, tables(root))


def scripts(root: Path) -> dict[str, Path]:
    """`P/benchmark_x` -> file, of all sub-projects."""
    return {
        f"{project.name}/{file.stem}": file
        for project in find_projects(root)
        for file in sorted(project.glob("tests/benchmarks/benchmark_*.py"))
    }


def check(root: Path) -> list[str]:
    """What differs between the files of the benchmarks, the results and the READMEs."""
    shown = results.path_of(root, FILE).relative_to(root)
    rows = results.read(root, FILE)["rows"]
    measured = {_name(row) for row in rows}
    known = scripts(root)
    problems = [
        f"{file.relative_to(root)} has no row in {shown}; type: "
        f"python -m tools benchmark {name}"
        for name, file in known.items()
        if name not in measured
    ]
    problems += [
        f"{shown}: there is no benchmark {name} any more; type: "
        f"python -m tools benchmark --table"
        for name in sorted(measured - known.keys())
    ]
    return problems + readme_tables.stale(root, NAME, tables(root))


def tables(root: Path) -> readme_tables.Tables:
    """What the results say, for the README of each folder."""
    content = results.read(root, FILE)

    def told(rows: Sequence[dict]) -> str:
        used = results.machines_of(content, rows)
        machines = [f"Machine {number}: {text}." for number, text in used.items()]
        return TOLD.format(count=len(rows), machines="\n\n".join(machines))

    heads = ["sub-project", "of", "comparisons", "below 1"]
    return readme_tables.by_project(root, content["rows"], told, heads, _counts, _full)


def _counts(name: str, rows: Sequence[dict]) -> list[list[object]]:
    """A line a quantity; a mean over rivals of every kind would say nothing."""
    ratios: dict[str, list[float]] = {}
    for row in rows:
        ratios.setdefault(row["quantity"], []).append(row["ratio"])
    return [
        [name, quantity, len(some), sum(ratio < 1 for ratio in some)]
        for quantity, some in ratios.items()
    ]


def _measured(root: Path, names: Sequence[str]) -> str:
    chosen = choose(root, names)
    return _full([r for r in results.read(root, FILE)["rows"] if _name(r) in chosen])


def _full(rows: Sequence[dict]) -> str:
    heads = ["component", "rival", "ratio", "of", "threads", "machine"]
    keys = ("quantity", "threads", "machine")
    cells = [
        [r["component"], r["rival"], _ratio(r["ratio"]), *(r[key] for key in keys)]
        for r in rows
    ]
    return readme_tables.markdown(heads, cells)


def _ratio(value: float) -> str:
    """Two digits: the third one is noise."""
    return f"{value:.0f}" if value >= 9.95 else f"{value:#.2g}"


def _row(row: dict) -> dict:
    ratio = float(row["ratio"])
    if not 0 < ratio < float("inf"):
        raise ValueError(f"the ratio {ratio}")
    names = {name: row[name] for name in NAMES}
    if not all(isinstance(name, str) and name for name in names.values()):
        raise TypeError(f"the names {names}")
    return names | {"ratio": float(f"{ratio:.3g}")}


def _name(row: dict) -> str:
    return f"{row['project']}/{row['benchmark']}"


def _project(name: str) -> str:
    return name.partition("/")[0]


def _forget_speed() -> None:
    """Take back, for the children, the variables that change what is measured."""
    gone = sorted(name for name in os.environ if name.startswith(SPEED))
    for name in gone:
        del os.environ[name]
    if gone:
        say(f"not passed on, as they change the speed: {', '.join(gone)}")


if __name__ == "__main__":
    sys.exit(main())
