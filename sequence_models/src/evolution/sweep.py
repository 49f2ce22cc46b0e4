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
from ..utils.logging import log
from .children import Children, Job
from .plan import Pair, Plan, merge
from .rates import Tried, write_rates
from .results import read_run


FACTOR = 2.0
MOST = 7
"""Rates that are tried at most."""


def sweep(
    plan: Plan, out: Path, table: Path, at_once: int = 1, device: str = "cpu"
) -> int:
    """Try rates for every pair, keep the results in `table`; 0 or a signal's number."""
    out.mkdir(parents=True, exist_ok=True)
    pairs = [_shorter(pair, plan, out) for pair in plan.pairs]
    ours = {(pair.entry, pair.recipe) for pair in pairs}
    tried = [row for row in plan.swept if (row.entry, row.recipe) not in ours]
    found: dict[str, dict[float, float]] = {pair.name: {} for pair in pairs}
    while True:
        jobs = {}
        for pair in pairs:
            for rate in next_rates(pair.config["optim"]["lr"], found[pair.name]):
                jobs[_job(pair, rate, plan, out)] = (pair, rate)
        if not jobs:
            return 0
        children = Children(out, at_once, plan.bench.threads, device)
        stopped = children.run(list(jobs))
        for job, (pair, rate) in jobs.items():
            path = out / job.name
            bad = any(job == failed for failed, _ in children.failed)
            if bad:
                found[pair.name][rate] = math.inf  # it diverged: a rate too high
            elif (path / "summary.json").exists():
                bpb = read_run(path, pair, job.seed).bpb
                found[pair.name][rate] = bpb
                log.info(f"{pair.name}  lr {rate:g}  {bpb:.4f} bits per byte")
        new = [
            Tried(pair.entry, pair.recipe, rate, bpb)
            for pair in pairs
            for rate, bpb in found[pair.name].items()
        ]
        write_rates(table, tried + new)
        if stopped:
            return stopped


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
