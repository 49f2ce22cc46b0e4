"""The learning rate of each entry and recipe, chosen with equal care.

Rates are tried a factor of two apart, from the recipe's own uphill and downhill, until
the best has a worse one on both sides. A run of the sweep has a seed that the bench
does not use, and is judged on the end of the TRAINING text: what the bench is judged
on has chosen nothing.
"""

import math
from pathlib import Path
from typing import Any

import yaml

from ..data.text import read_text, split_text
from ..training.task import Config
from ..utils.atomic import write_atomically
from ..utils.config import from_dict
from ..utils.errors import FaultError
from .children import Children, Job, state_of
from .plan import Pair, Plan, merge
from .rates import Tried, write_rates
from .results import read_run


FACTOR = 2.0
MOST = 6
"""Rates that are tried at most."""
DIVERGED = 3
"""The exit code of a run whose loss stopped being finite."""


def sweep(
    plan: Plan, out: Path, table: Path, at_once: int = 1, device: str = "cpu"
) -> int:
    """Try rates for every pair, keep each result in `table`; 0 or a signal's number.

    What the table has is not tried again; delete it to choose anew. A rate whose run
    diverges counts as infinitely bad. FaultError for another failure.
    """
    out.mkdir(parents=True, exist_ok=True)
    pairs = [_shorter(pair, plan, out) for pair in plan.pairs]
    ours = {(pair.entry, pair.recipe) for pair in pairs}
    share = plan.bench.sweep_share
    known = [row for row in plan.swept if row.share == share]
    others = [row for row in plan.swept if row.share != share]
    others += [row for row in known if (row.entry, row.recipe) not in ours]
    found: dict[str, dict[float, float]] = {pair.name: {} for pair in pairs}
    for row in known:
        if (row.entry, row.recipe) in ours:
            found[f"{row.entry}-{row.recipe}"][row.lr] = row.bpb
    jobs: dict[Job, tuple[Pair, float]] = {}

    def note(job: Job) -> str:
        pair, rate = jobs[job]
        found[pair.name][rate] = read_run(out / job.name, pair, job.seed).bpb
        tried = [
            Tried(pair.entry, pair.recipe, lr, bpb, share)
            for pair in pairs
            for lr, bpb in found[pair.name].items()
        ]
        write_rates(table, others + tried)
        return f"{found[pair.name][rate]:.4f} bits per byte"

    while True:
        jobs.clear()
        for pair in pairs:
            for rate in next_rates(pair.config["optim"]["lr"], found[pair.name]):
                jobs[_job(pair, rate, plan, out)] = (pair, rate)
        if not jobs:
            return 0
        children = Children(out, at_once, plan.bench.threads, device, say=note)
        finished = [job for job in jobs if state_of(out / job.name) == "done"]
        for job in finished:
            note(job)
        stopped = children.run([job for job in jobs if job not in finished])
        if stopped:
            return stopped
        for failure in children.failed:
            if failure.exit != DIVERGED:
                raise FaultError(f"{failure.job.name}: {failure.why}")
            pair, rate = jobs[failure.job]
            found[pair.name][rate] = math.inf


def next_rates(first: float, found: dict[float, float]) -> list[float]:
    """What is still to be tried: neighbours of the best, up to `MOST` rates in all."""
    if not found:
        return [_round(first / FACTOR), first, _round(first * FACTOR)]
    best = min(found, key=lambda rate: found[rate])
    beside = [_round(best / FACTOR), _round(best * FACTOR)]
    missing = [
        b
        for b in beside
        if not any(math.isclose(b, rate, rel_tol=1e-2) for rate in found)
    ]
    return missing if len(found) + len(missing) <= MOST else []


def _round(rate: float) -> float:
    return float(f"{rate:.3g}")


def _shorter(pair: Pair, plan: Plan, out: Path) -> Pair:
    """The pair with fewer tokens, judged once, on the end of the training text."""
    config = from_dict(Config, pair.config, pair.name)
    share, data, train = plan.bench.sweep_share, config.data, config.train
    epoch = data.batch_size * train.accumulate
    samples = round(share * train.epochs * data.samples / epoch) * epoch
    changes: dict[str, Any] = {"data": {"samples": samples}, "train": {"epochs": 1}}
    if data.name == "text":
        path = out / "text.txt"
        if not path.exists():
            text = split_text(read_text(data.root), data.val_share)[0]
            write_atomically(path, text.encode())
        changes["data"]["root"] = str(path)
    values = merge(pair.config, changes)
    return pair._replace(config=values, tokens=samples * data.block)


def _job(pair: Pair, rate: float, plan: Plan, out: Path) -> Job:
    name = f"{pair.name}-lr{rate:g}"
    values = merge(pair.config, {"optim": {"lr": rate}})
    path = out / "configs" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, yaml.safe_dump(values, sort_keys=False).encode())
    return Job(name, plan.bench.sweep_seed, path)
