"""`scripts/reason.py study`: an arm and a seed a run, then what they say together."""

from collections.abc import Collection, Sequence
from pathlib import Path

import torch

from ..utils.errors import InputError
from ..utils.folders import make_folder
from ..utils.interrupt import exit_code
from ..utils.lock import take_lock
from ..utils.logging import log, start_logging, table
from ..utils.run_dir import to_json
from .children import Children, Failure, Job, state_of
from .settings import keep_settings, runs_of
from .study_length import Lengths, took
from .study_plan import StudyPlan, Trained, read_study
from .study_report import report, text
from .study_scores import read_metrics


def study(
    path: Path,
    seeds: str = "",
    only: Sequence[str] = (),
    out: Path = Path("runs"),
    at_once: int = 1,
    dry_run: bool = False,
    report_only: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """The command; gives the exit code."""
    start_logging(quiet)
    if at_once < 1:
        raise InputError(f"--at-once {at_once}: must be 1 or more")
    plan = read_study(path, seeds, only)
    folder = out / path.stem.replace("_", "-")
    if dry_run:
        print(what_would_run(plan, folder, only))
        return 0
    failed: dict[str, str] = {}
    if report_only and not folder.is_dir():
        raise InputError(f"{folder} is not there yet; leave out --report")
    if not report_only:
        make_folder(folder)
        with take_lock(folder):  # two at once would fail each other's runs
            runs = Runs(plan, folder, at_once)
            if stopped := runs.train(only or plan.arms):
                log.warning("stopped; the same command goes on")
                return exit_code(stopped)
        failed = runs.failed
    torch.set_num_threads(plan.study.threads)
    content = report(plan, folder, failed)
    print(to_json(content) if as_json else text(plan, content))
    return 1 if content["failed"] else 0


class Runs:
    """The trainings of a study; those that wait for the time of others come last."""

    def __init__(self, plan: StudyPlan, folder: Path, at_once: int):
        self.plan, self.folder, self.at_once = plan, folder, at_once
        self.lengths = Lengths(folder)
        self.failed: dict[str, str] = {}

    def train(self, only: Collection[str]) -> int:
        """Train these arms; 0, or the number of the signal that ended it."""
        arms = [trained for name, trained in self.plan.arms.items() if name in only]
        free = [trained for trained in arms if not trained.arm.as_long_as]
        seeds = self.plan.study.seeds
        # Seed by seed, so that a study cut short is balanced.
        if stopped := self._run(
            [(trained, seed) for seed in seeds for trained in free]
        ):
            return stopped
        bound = [trained for trained in arms if trained.arm.as_long_as]
        # The first seed tells the others how long they take.
        for some in (seeds[:1], seeds[1:]):
            todo = [(trained, seed) for seed in some for trained in bound]
            while todo:
                if stopped := self._run(todo):
                    return stopped
                todo = [
                    (trained, seed)
                    for trained, seed in todo
                    if f"{trained.name}-s{seed}" not in self.failed
                    and not self.lengths.settled(trained, seed)
                ]
        return 0

    def _run(self, wanted: Sequence[tuple[Trained, int]]) -> int:
        jobs = [job for trained, seed in wanted if (job := self._job(trained, seed))]
        if not jobs:
            return 0
        threads = self.plan.study.threads
        children = Children(self.folder, self.at_once, threads, say=self._say)
        stopped = children.run(jobs)
        self.failed |= {failure.job.name: _why(failure) for failure in children.failed}
        return stopped

    def _job(self, trained: Trained, seed: int) -> Job | None:
        """None for a run whose length cannot be known."""
        name, run = trained.name, self.folder / f"{trained.name}-s{seed}"
        file, config, begun = name, trained.config, runs_of(self.folder, name)
        if other := trained.arm.as_long_as:
            config = self.lengths.config(trained, seed)
            file, begun = run.name, [run] if run.exists() else []
            if config is None:
                why = f"it is to take as long as {other}-s{seed}, which has not ended"
                log.warning(f"{run.name} waits: {why}")
                self.failed[run.name] = why
                return None
        path = self.folder / "configs" / f"{file}.yaml"
        path.parent.mkdir(exist_ok=True)
        keep_settings(path, config, begun)
        return Job(name, seed, path)

    def _say(self, job: Job) -> str:
        """The last validation, in what will be drawn."""
        rows = [r for r in read_metrics(self.folder / job.name) if r["split"] == "val"]
        found = [(m, rows[-1].get(m)) for m in self.plan.study.picture] if rows else []
        return "  ".join(f"val {name} {float(v):.3f}" for name, v in found if v)


def what_would_run(plan: StudyPlan, folder: Path, only: Collection[str] = ()) -> str:
    """A table of the arms; what they cost is known where some of their runs ended."""
    rows, left = [], 0
    for name, trained in plan.arms.items():
        if only and name not in only:
            continue
        runs = [folder / f"{name}-s{seed}" for seed in plan.study.seeds]
        waiting = sum(state_of(run) != "done" for run in runs)
        known = [found.cpu_seconds for run in runs if (found := took(run))]
        length = trained.arm.as_long_as
        epochs = trained.config.get("train", {}).get("epochs", "")
        rows.append(
            (
                trained.label,
                f"as long as {length}" if length else f"{epochs} epochs",
                f"{waiting}/{len(runs)}",
                f"{sum(known) / len(known):.0f}" if known else "?",
            )
        )
        left += waiting
    head = ("arm", "length", "runs left", "CPU-s a run")
    pairs = "".join(
        f"\n{plan.label(a)} against {plan.label(b)}" for a, b in plan.study.pairs
    )
    return (
        f"{table(rows, head)}{pairs}\n{left} runs into {folder}, scored on "
        f"{plan.study.split}; nothing was run"
    )


def _why(failure: Failure) -> str:
    return f"exit {failure.exit}: {failure.why}"
