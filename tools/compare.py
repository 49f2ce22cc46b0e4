"""Runs against runs: is the difference more than luck?

    python -m tools compare vision_cnn/runs/*                # every two configurations
    python -m tools compare runs/a-* runs/b-* --metric test:accuracy --plot compare.png
    python -m tools compare runs/a-001 runs/b-001 --samples test    # image by image

Runs with the same settings are one group of seeds. Groups that share seeds are
compared in pairs: mean difference, 95 % BCa interval, paired t-test, exact Wilcoxon and
sign flips; others by Welch's test and a permutation test. Folds (a setting `fold`) are
paired too: 5 seeds of 2 folds by Alpaydin's 5x2 F, others by the corrected t. p is
adjusted by Holm over all comparisons; "better" needs that p and the interval.
--samples pairs what the runs said of the same samples; right or wrong: exact McNemar.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tools.compare_plot import draw, picture_kind
from tools.compare_text import as_csv, as_json, text
from tools.comparison import Comparison
from tools.files import write_whole
from tools.processes import handle_signals, say
from tools.projects import WorkspaceError
from tools.run_groups import compare_runs
from tools.run_values import HIGHER, LOWER
from tools.runs import Run, read_runs
from tools.samples import compare_samples


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; exit code 0, or 2 for what cannot be compared."""
    given = _parser().parse_args(arguments)
    handle_signals()
    try:
        if given.plot:
            picture_kind(given.plot)
        runs, notes = find(given.runs)
        if given.samples:
            found = compare_samples(runs, given.samples, given.metric, given.better)
        else:
            found = compare_runs(runs, given.metric, given.better)
        found = replace(found, notes=(*found.notes, *notes))
        print(text(found))
        _write(found, given)
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def find(places: Sequence[Path]) -> tuple[list[Run], list[str]]:
    """The runs in or below each place, each once; and what could not be read there."""
    found: dict[Path, Run] = {}
    notes = []
    for place in places:
        if not place.exists():
            raise WorkspaceError(f"{place} is not there; give run folders")
        runs, damaged = read_runs([place]) if place.is_dir() else ([], [])
        found |= {run.path: run for run in runs if run.path not in found}
        notes += damaged
        if not (runs or damaged):
            notes.append(f"{place} holds no run")
    if not found:
        raise WorkspaceError("; ".join(notes) + "; give run folders, or one above them")
    return list(found.values()), list(dict.fromkeys(notes))


def _write(found: Comparison, given: argparse.Namespace) -> None:
    """The files that were asked for, whole or not at all."""
    kinds = [
        (given.csv, lambda: write_whole(given.csv, as_csv(found))),
        (given.json, lambda: write_whole(given.json, as_json(found))),
        (given.plot, lambda: draw(found, given.plot)),
    ]
    for path, write in kinds:
        if not path:
            continue
        try:
            write()
            say(f"saved  {path}")
        except OSError as error:
            raise WorkspaceError(
                f"{path} cannot be written: {error.strerror}"
            ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="run folder, or one of runs")
    add(
        "--metric",
        default="",
        metavar="M",
        help="as in summary.json, or test:M as in eval/test.json; with --samples a "
        "column. Default: the one by which the runs chose their checkpoint",
    )
    add(
        "--better",
        default="",
        choices=(HIGHER, LOWER),
        help="which values are better. Default: as train.mode of the runs says of the "
        "metric that they watch, else by the metric's name",
    )
    add("--samples", metavar="SPLIT", help="pair the results by sample of eval.py")
    add("--csv", type=Path, metavar="FILE", help="a line a comparison")
    add("--json", type=Path, metavar="FILE", help="everything")
    add(
        "--plot", type=Path, metavar="FILE.png", help="or .svg, .pdf: values, intervals"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
