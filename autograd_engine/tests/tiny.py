"""A run that takes a second, started as `scripts/train.py` starts it."""

import csv
import hashlib
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import scripts.train as script

from src.training import launch, report
from src.training.options import Options
from src.utils import cli
from src.utils.checkpoint import load_checkpoint


TINY = (
    "data.count=20",
    "data.batch_size=5",
    "data.augment.crop=2",
    "model.hidden=[8]",
    "model.dropout=0.2",
    "train.epochs=4",
    "train.ema=0.9",
    "train.log_every=3",
)
"""4 steps an epoch, 16 in all; dropout and EMA make RNG and average matter."""

CONFIG = Path(__file__).parents[1] / "configs" / "digits_mlp.yaml"


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


def command(*arguments: object) -> int:
    """What `python scripts/train.py ARGUMENTS` would do; gives the exit code."""
    return run_script(script.train, *arguments)


def run_script(function, *arguments: object) -> int:
    with mock.patch.object(sys, "argv", ["x.py", *map(str, arguments)]):
        try:
            cli.run(function)
        except SystemExit as leaving:
            return leaving.code
    raise AssertionError("a command must end with an exit code")


def without_pictures(options: Options) -> int:
    """Drawing them takes longer than the training itself."""
    drawn = mock.Mock(return_value="plots/predictions.png")
    with mock.patch.multiple(report, curves=mock.Mock(), draw_predictions=drawn):
        return launch.train(options)


def digest(run: Path, name: str = "last.npz") -> str:
    """Sha256 over every array and every number that a run ends with."""
    content = load_checkpoint(run / "checkpoints" / name)
    total = hashlib.sha256()
    for key in ("weights", "model", "optimizer", "progress", "rng"):
        _feed(total, content[key])
    return total.hexdigest()


def rows(run: Path) -> list[dict[str, str]]:
    with open(run / "metrics.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _feed(total, value) -> None:
    if isinstance(value, np.ndarray):
        total.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            total.update(str(key).encode())
            _feed(total, value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            _feed(total, item)
    else:
        total.update(repr(value).encode())
