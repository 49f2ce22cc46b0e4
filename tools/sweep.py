"""Train many times: every combination of a grid, seeds and folds; one table at the end.

    python -m tools sweep vision_cnn/configs/toy_patterns.yaml --seeds 0-2 \\
        --grid optim.lr=0.05,0.1 --grid 'model.widths=[8,16],[16,32]' train.epochs=2

Each run is the sub-project's own scripts/train.py and has its own folder in one folder.
The same command again goes on: what is done is kept, what was stopped is resumed, what
failed is tried once more. Other seeds and another grid are added to what is there.

Many machines: one command a run that is left, then one table of what comes back.

    python -m tools sweep CONFIG --seeds 0-5 --commands > commands.txt
    parallel -j 4 < commands.txt                              # GNU parallel, or Slurm:
    sbatch --array=1-6 --wrap 'eval "$(sed -n ${SLURM_ARRAY_TASK_ID}p commands.txt)"'
    python -m tools sweep --gather vision_cnn/runs/sweep-toy_patterns other_machine/runs
"""

import argparse
import math
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.compare_text import text
from tools.files import write_whole
from tools.machine import read_cpu, read_limits, usable_cpus
from tools.processes import handle_signals, say
from tools.projects import WorkspaceError
from tools.run_groups import compare_runs
from tools.run_values import HIGHER, LOWER
from tools.runs import read_runs
from tools.sweep_folder import open_sweep
from tools.sweep_folds import fold_overrides
from tools.sweep_points import all_points, in_words, seeds_of
from tools.sweep_runs import job_of, run_jobs
from tools.sweep_table import as_csv, seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 all done, 1 a run failed, 2 bad input, 130 Ctrl-C, 143 SIGTERM."""
    parser = _parser()
    given = parser.parse_intermixed_args(arguments)
    handle_signals()
    try:
        if given.gather:
            _refuse_others(given, parser)
            tabulate(given.gather, given.metric, given.better)
            return 0
        return _sweep(given)
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("stopped")
        return 130


def _sweep(given: argparse.Namespace) -> int:
    config, project = find_config(given.config)
    folder = (given.out or project / "runs" / f"sweep-{config.stem}").resolve()
    if given.jobs < 1 or (given.folds is not None and given.folds < 2):
        raise WorkspaceError("-j takes 1 and more, --folds 2 and more")
    what = (given.overrides, given.grid, seeds_of(given.seeds))
    points = all_points(*what)
    if given.folds:
        folds = fold_overrides(project, config, points[0].overrides, given.folds)
        points = all_points(*what, folds)
    now = _threads(given.jobs)
    with open_sweep(folder, project, config, now) as threads:
        if threads != now:
            say(
                f"each run keeps the {threads} threads of the first call, so that what "
                f"is resumed stays bit for bit; name another --out for {now}"
            )
        where = (config, project, folder, given.device)
        left = [job for point in points if (job := job_of(point, *where))]
        if given.commands:
            print("".join(f"{job.line(threads)}\n" for job in left), end="")
            say(f"{in_words(points)}, {len(left)} of them left to do")
            return 0
        say(f"{in_words(points)}, {len(points) - len(left)} done before; in {folder}")
        failed, stopped = run_jobs(left, given.jobs, threads)
        if stopped:
            return 128 + stopped
        if failed:
            say(f"{len(failed)} of {len(points)} runs failed: {', '.join(failed)}")
        names, csv = [point.name for point in points], folder / "table.csv"
        try:
            tabulate([folder], given.metric, given.better, names, csv)
        except WorkspaceError as error:
            told = (
                f"{error}; the runs are kept, and their table is made by: python -m "
                f"tools sweep --gather {shlex.quote(str(folder))} --metric NAME"
            )
            if not failed:
                raise WorkspaceError(told) from None
            say(told)
    return 1 if failed else 0


def tabulate(
    places: Sequence[Path],
    metric: str,
    better: str,
    names: Sequence[str] = (),
    csv: Path | None = None,
) -> None:
    """Print the table of all runs in or below the places that are done.

    Those of the given names come first, in that order, the others as they were begun.
    """
    for place in places:
        if not place.is_dir():
            raise WorkspaceError(f"{place}: no such folder; --gather takes run folders")
    runs, damaged = read_runs(places)
    for sentence in damaged:
        say(sentence)
    if not any(run.status == "done" for run in runs):
        say("no run is done, so there is no table")
        return
    order = {name: place for place, name in enumerate(names)}
    runs.sort(key=lambda run: order.get(run.name, len(names)))
    comparison = compare_runs(runs, metric, better)
    if csv:
        write_whole(csv, as_csv(comparison))
        say(f"saved  {csv}")
    took = [seconds(group) for group in comparison.groups]
    cells = ["-" if math.isnan(one) else f"{one:.4g}" for one in took]
    print(text(comparison, {"seconds": cells}))


def find_config(path: Path | None) -> tuple[Path, Path]:
    """The file and the sub-project that it lies in."""
    if path is None:
        raise WorkspaceError(
            "say what to train, for example vision_cnn/configs/toy_patterns.yaml"
        )
    if not path.is_file():
        raise WorkspaceError(f"{path}: no such file; CONFIG is a YAML file of configs/")
    path = path.resolve()
    for above in path.parents:
        if (above / "src/__init__.py").is_file():
            return path, above
    raise WorkspaceError(
        f"{path} lies in no sub-project (a folder with src/__init__.py), so it is not "
        "known what to run; put it into the configs/ of one"
    )


def _refuse_others(given: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    taken = ("gather", "metric", "better")
    others = [
        name
        for name, value in vars(given).items()
        if name not in taken and value and value != parser.get_default(name)
    ]
    if others:
        raise WorkspaceError(
            "--gather trains nothing: it takes folders, --metric and --better; leave "
            f"out {', '.join(others)}"
        )


def _threads(jobs: int) -> int:
    """What OMP_NUM_THREADS says, else the cores that are ours, divided by the jobs."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    return max(1, usable_cpus(read_cpu(), read_limits()) // jobs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools sweep",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("config", nargs="?", type=Path, metavar="CONFIG", help="of configs/")
    add("overrides", nargs="*", metavar="KEY=VALUE", help="the same for all runs")
    add("--seeds", default="0", metavar="LIST", help="0-5, or 0,1,7, or 0-2,7")
    add(
        "--grid",
        action="append",
        default=[],
        metavar="KEY=A,B,C",
        help="values of a key; a value with commas stands in [] or quotes; repeatable",
    )
    add("--folds", type=int, metavar="K", help="K-fold cross-validation")
    add("-j", "--jobs", type=int, default=1, metavar="N", help="runs side by side")
    add("--out", type=Path, metavar="DIR", help="default: runs/sweep-CONFIG")
    add("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    add(
        "--metric",
        default="",
        help="default: that by which the runs keep their best",
    )
    add(
        "--better",
        default="",
        choices=(HIGHER, LOWER),
        help="which values are better. Default: as compare",
    )
    add("--commands", action="store_true", help="print a command a run, start nothing")
    add("--gather", nargs="+", type=Path, metavar="DIR", help="the table of these runs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
