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
from src.training.task import SpeechTask
from src.utils import cli
from tests.forked import end_forked, in_fork, kill_group, wait  # noqa: F401 for all


TINY = (
    "data.batch_size=4",
    "data.toy={tokens: 4, shortest: 1, longest: 3, duration: [4, 8], pause: [0, 2], "
    "n_train: 16, n_val: 6, n_test: 6}",
    "features.n_mels=8",
    "model.encoder=transformer",
    "model.d_model=8",
    "model.heads=2",
    "model.ff=16",
    "model.encoder_layers=1",
    "model.decoder_layers=1",
    "model.dropout=0.2",
    "model.subsampling=2",
    "optim.name=adamw",
    "optim.lr=1e-3",
    "optim.schedule=cosine",
    "optim.warmup=0.05",
    "optim.clip=1",
    "train.epochs=4",
    "train.ema=0.9",
    "train.log_every=3",
    "train.monitor=exact",
    "train.mode=max",
)
"""4 steps an epoch, 16 in all; dropout, glancing and EMA are what a resumed run must
restore."""

STEADY = ("model.dropout=0", "model.glance=0", "loss.ctc_from=0")
"""Without what is drawn anew in each step, and with all parts of the loss in each."""

CONFIG = Path(__file__).parents[1] / "configs" / "toy_seq2seq.yaml"


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
    return command_of(script.train, "train.py", *arguments)


def command_of(function, name: str, *arguments: str) -> int:
    """What `python scripts/NAME ARGUMENTS` would do; gives the exit code."""
    with mock.patch.object(sys, "argv", [name, *map(str, arguments)]):
        try:
            cli.run(function)
        except SystemExit as leaving:
            return leaving.code
    raise AssertionError("a command must end with an exit code")


def hear_in_double(monkeypatch) -> None:
    """Features as a model in double precision takes them."""
    for name in ("loss", "evaluate"):
        plain = getattr(SpeechTask, name)

        def doubled(self, model, batch, *more, plain=plain):
            batch = batch | {"features": batch["features"].double()}
            return plain(self, model, batch, *more)

        monkeypatch.setattr(SpeechTask, name, doubled)


def tiny_checkpoint(out: Path, *overrides: str) -> Path:
    """The checkpoint of a tiny run in `out`, trained for an epoch."""
    assert start(out, "train.epochs=1", *overrides) == 0
    return out / "run" / "checkpoints" / "best.pt"


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
