"""`scripts/evolve.py`: the runs of a bench, their comparison, one page."""

from collections.abc import Sequence
from pathlib import Path

from ..utils.errors import InputError
from ..utils.folders import make_folder
from ..utils.interrupt import exit_code
from ..utils.lock import take_lock
from ..utils.logging import log, start_logging, table
from ..utils.run_dir import to_json
from .children import Children, Failure, Job, state_of
from .cost import measure
from .plan import Pair, Plan, read_plan
from .rates import rates_file
from .report import report
from .results import read_run
from .settings import keep_settings, runs_of
from .sweep import sweep


def evolve(
    path: Path,
    only: Sequence[str] = (),
    out: Path = Path("runs"),
    at_once: int = 1,
    device: str = "cpu",
    dry_run: bool = False,
    report_only: bool = False,
    sweep_rates: bool = False,
    quiet: bool = False,
    as_json: bool = False,
) -> int:
    """The command; gives the exit code."""
    start_logging(quiet)
    if at_once < 1:
        raise InputError(f"--at-once {at_once}: must be 1 or more")
    plan = read_plan(path, only)
    folder = out / path.stem.replace("_", "-")
    if dry_run:
        print(what_would_run(plan, folder))
        return 0
    failed: list[Failure] = []
    if not report_only:
        make_folder(folder)
        with take_lock(folder):  # two at once would fail each other's runs
            todo = _sweep if sweep_rates else _train
            stopped, failed = todo(plan, folder, path, at_once, device)
        if stopped or sweep_rates:
            return exit_code(stopped)
    # The page shows all that there is, whatever was asked to run.
    summary = report(read_plan(path) if only else plan, folder, failed)
    print(to_json(summary) if as_json else _table(summary))
    return 1 if failed else 0


def _sweep(
    plan: Plan, folder: Path, path: Path, at_once: int, device: str
) -> tuple[int, list[Failure]]:
    return sweep(plan, folder / "sweep", rates_file(path), at_once, device), []


def _train(
    plan: Plan, folder: Path, path: Path, at_once: int, device: str
) -> tuple[int, list[Failure]]:
    """The number of a signal that ended it, or 0, and the runs that failed."""
    jobs = make_jobs(plan, folder)
    children = Children(
        folder, at_once, plan.bench.threads, device, say=_say(plan, folder)
    )
    stopped = children.run(jobs)
    if stopped:
        log.warning("stopped; the same command goes on")
    return stopped, children.failed


def make_jobs(plan: Plan, folder: Path) -> list[Job]:
    """A job a pair and seed, seed by seed, so that a bench cut short is balanced.

    Raises InputError where runs of a pair were made with other settings.
    """
    configs = folder / "configs"
    configs.mkdir(parents=True, exist_ok=True)
    for pair in plan.pairs:
        path = configs / f"{pair.name}.yaml"
        keep_settings(path, pair.config, runs_of(folder, pair.name))
    return [
        Job(pair.name, seed, configs / f"{pair.name}.yaml")
        for seed in plan.bench.seeds
        for pair in plan.pairs
    ]


def what_would_run(plan: Plan, folder: Path) -> str:
    """A table of the pairs with their sizes, and what all of it costs."""
    rows, total, left = [], 0.0, 0
    for pair in plan.pairs:
        cost = measure(pair)
        runs = [folder / f"{pair.name}-s{seed}" for seed in plan.bench.seeds]
        waiting = sum(state_of(run) != "done" for run in runs)
        rows.append(
            (
                pair.entry,
                pair.recipe,
                sizes(pair, plan),
                f"{pair.parameters:,}",
                f"{pair.config['optim']['lr']:g}",
                f"{waiting}/{len(runs)}",
                f"{cost.cpu_seconds:.0f}",
            )
        )
        total += waiting * cost.cpu_seconds
        left += waiting
    head = ("entry", "recipe", "size", "parameters", "lr", "runs left", "CPU-s a run")
    return (
        f"{table(rows, head)}\n{left} runs of {plan.pairs[0].tokens:,} tokens, about "
        f"{total / 60:.0f} CPU-minutes, into {folder}; nothing was run"
    )


def sizes(pair: Pair, plan: Plan) -> str:
    """The fields that were searched, as they were found."""
    model = pair.config["model"]
    options = dict(option.split("=", 1) for option in model.get("options", []))
    found = {name: model.get(name) for name in plan.entries[pair.entry].search}
    found = {
        name.removeprefix("options."): value
        or options.get(name.removeprefix("options."))
        for name, value in found.items()
    }
    return " ".join(f"{name} {value}" for name, value in found.items() if value)


def _say(plan: Plan, folder: Path):
    pairs = {pair.name: pair for pair in plan.pairs}

    def say(job: Job) -> str:
        run = read_run(folder / job.name, pairs[job.pair], job.seed)
        return f"{run.bpb:.4f} bits per byte"

    return say


def _table(summary: dict) -> str:
    rows = [
        (
            row["entry"],
            row["recipe"],
            f"{row['parameters']:,}",
            len(row["seeds"]),
            f"{row['bpb']:.4f}",
            f"{row['sd']:.4f}",
            f"{row['tokens_per_cpu_second']:,.0f}",
        )
        for row in summary["rows"]
    ]
    head = ("entry", "recipe", "parameters", "seeds", "bits/byte", "sd", "tokens/CPU-s")
    said = "\n".join(f"- {sentence}" for sentence in summary["conclusion"])
    return f"{table(rows, head)}\n{said}\nsaved  {summary['page']}"
