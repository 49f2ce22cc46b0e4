"""A run that takes a second, started as `scripts/train.py` starts it."""

import csv
import hashlib
import sys
from pathlib import Path
from unittest import mock

import scripts.train as script
import torch

from src.training import launch, report
from src.training.options import Options
from src.utils import cli
from tests.forked import end_forked, in_fork, kill_group, wait  # noqa: F401 for all


TINY = (
    "data.batch_size=4",
    "data.block=8",
    "data.samples=16",
    "data.stateful=true",
    "data.toy.n_train=2",
    "data.toy.n_val=1",
    "data.toy.n_test=1",
    "model.name=lstm",
    "model.d_model=null",
    "model.heads=null",
    "model.embedding=8",
    "model.hidden=12",
    "model.layers=2",
    "model.dropout=0.2",
    "optim.name=adamw",
    "optim.lr=1e-3",
    "optim.schedule=cosine",
    "optim.warmup=0.05",
    "optim.clip=1",
    "train.epochs=4",
    "train.ema=0.9",
    "train.log_every=3",
    "train.monitor=accuracy",
    "train.mode=max",
)
"""4 steps an epoch, 16 in all; dropout, EMA and the memory taken from batch
to batch are what a resumed run must restore."""

NO_MEMORY = (
    "data.stateful=false", "model.name=gpt_2020", "model.embedding=null",
    "model.hidden=null", "model.layers=1", "model.d_model=8", "model.heads=2",
    "model.dropout=0",
)  # fmt: skip
"""A model whose batches have nothing to do with each other."""

CONFIG = Path(__file__).parents[1] / "configs" / "toy_grammar.yaml"


def start(out: Path, *overrides: str, **options) -> int:
    """Train the tiny run in this process; gives the exit code."""
    settings = {
        "config": CONFIG,
        "out": out,
        "name": "run",
        "device": "cpu",
        "quiet": True,
    }
    return without_pictures(
        Options(overrides=(*TINY, *overrides), **settings | options)
    )


def resume(out: Path, *overrides: str, **options) -> int:
    given = {"overrides": overrides, "out": out, "device": "cpu", "quiet": True}
    return without_pictures(Options(resume=str(out / "run"), **given | options))


def command(*arguments: str) -> int:
    """What `python scripts/train.py ARGUMENTS` would do; gives the exit code."""
    with mock.patch.object(sys, "argv", ["train.py", *map(str, arguments)]):
        try:
            cli.run(script.train)
        except SystemExit as leaving:
            return leaving.code
    raise AssertionError("a command must end with an exit code")


def without_pictures(options: Options) -> int:
    """Drawing them takes longer than the training itself."""
    with mock.patch.multiple(report, curves=mock.Mock(), draw_predictions=mock.Mock()):
        return launch.train(options)


def digest(run: Path, name: str = "last.pt") -> str:
    """Sha256 over every tensor and every number that a run ends with."""
    content = torch.load(run / "checkpoints" / name, weights_only=True)
    total = hashlib.sha256()
    for key in ("weights", "model", "optimizer", "progress", "rng"):
        _feed(total, content[key])
    return total.hexdigest()


def rows(run: Path) -> list[dict[str, str]]:
    with open(run / "metrics.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _feed(total, value) -> None:
    if isinstance(value, torch.Tensor):
        total.update(value.cpu().contiguous().numpy().tobytes())
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            total.update(str(key).encode())
            _feed(total, value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            _feed(total, item)
    else:
        total.update(repr(value).encode())
