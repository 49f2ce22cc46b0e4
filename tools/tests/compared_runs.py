"""Finished runs with the values that a test wants."""

import json

from tools.runs import read_run
from tools.tests.fake import write


SIX = [0.90, 0.92, 0.91, 0.95, 0.93, 0.94]
LUCK = [0.003, -0.004, 0.002, -0.001, 0.001, -0.002]


def make(folder, name, value, seed=0, *, config=None, meta=None, best=None, test=None):
    """A finished run; `value` is its best accuracy."""
    settings = {
        "seed": seed,
        "model": {"width": 8},
        "train": {"monitor": "accuracy", "mode": "max"},
    }
    path = folder / name
    write(path / "config.yaml", json.dumps(settings | (config or {})))
    told = {
        "status": "done",
        "start": f"2026-01-01T{seed:02}:00",
        "data": "d",
        "git": "1",
    }
    write(path / "meta.json", json.dumps(told | (meta or {})))
    content = {"best": best or {"accuracy": value, "loss": 1 - value}, "seconds": 2.5}
    write(path / "summary.json", json.dumps(content))
    write(path / "metrics.csv", "step,split,grad_norm\n1,train,3.5\n")
    if test is not None:
        content = {"parts": {"right": 5, "wrong": None}, "worst": [1], "files": "x"}
        write(path / "eval/test.json", json.dumps(content | {"accuracy": test}))
    return path


def groups(folder, *values, seeds=range(9), **options):
    """A group of runs for each list of values; they differ in optim.lr."""
    for place, some in enumerate(values):
        for seed, value in zip(seeds, some, strict=False):
            config = {"optim": {"lr": place}}
            make(folder, f"{place}-{seed}", value, seed, config=config, **options)
    return [read_run(path) for path in sorted(folder.glob("*-*"))]


def shifted(by, noise=LUCK):
    return [value + by + luck for value, luck in zip(SIX, noise, strict=True)]
