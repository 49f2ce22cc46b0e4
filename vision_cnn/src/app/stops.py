"""What the rule of `train.patience` makes of a row of evaluations, one after the other.

The rule is the trainer's own (`Progress.judge`), the sentence is `stopping.reason`.
"""

import csv
import math
from pathlib import Path
from typing import Any, NamedTuple

from ..training.progress import Progress, TrainConfig
from ..training.stopping import DIGITS, reason
from ..training.task import Config
from ..utils.config import load_config
from ..utils.errors import InputError


WINDOW = 3
"""Evaluations of which the slope is taken where `patience` does not say."""


class Curve(NamedTuple):
    """A run as its metrics.csv tells it."""

    train: TrainConfig
    epochs: list[int]
    """Those that were evaluated."""
    values: list[float]
    """Of the monitored metric."""


def read_curve(run: Path) -> Curve:
    """The evaluations of a run; raises InputError where there is none."""
    train = load_config(Config, run / "config.yaml").train
    with open(run / "metrics.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get("split") == "val"]
    try:
        pairs = [(int(r["epoch"]), float(r[train.monitor] or math.nan)) for r in rows]
    except (KeyError, ValueError, TypeError):
        raise InputError(
            f"{run / 'metrics.csv'} is not what a training writes; train again"
        ) from None
    if not pairs:
        raise InputError(f"{run.name}: has no evaluation yet; wait for its first epoch")
    return Curve(train, [epoch for epoch, _ in pairs], [value for _, value in pairs])


def stopping(
    epochs: list[int], values: list[float], train: TrainConfig
) -> dict[str, Any]:
    """Which evaluations were gains, where the rule ends the run, and its sentence.

    `plateau` is the value that a gain was measured from, `needed` what it had to reach;
    `smooth` and `slope` are mean and slope per epoch of the last `window` evaluations.
    The band is the slope that gains `min_gain` in `patience` evaluations.
    """
    now, gains, plateau, needed, waited = Progress(), [], [], [], []
    sign, stop = 1 if train.mode == "max" else -1, None
    for epoch, value in zip(epochs, values, strict=True):
        plateau.append(now.plateau)
        needed.append(
            None if now.plateau is None else now.plateau + sign * train.min_gain
        )
        if stop is None:
            now.epoch = epoch
            now.judge(value, train.mode, train.min_gain - DIGITS)
            now.start_cooling(train)
            gains.append(now.waited == 0)
            waited.append(now.waited)
            if epoch >= now.end(train):
                stop = epoch
    window = max(2, train.patience or WINDOW)
    recent = [values[max(0, i + 1 - window) : i + 1] for i in range(len(values))]
    every = epochs[0] if epochs else 1
    band = train.min_gain / (train.patience * every) if train.patience else None
    return {
        "monitor": train.monitor,
        "mode": train.mode,
        "patience": train.patience,
        "min_gain": train.min_gain,
        "planned": train.epochs,
        "epochs": epochs,
        "values": values,
        "gains": gains,
        "waited": waited,
        "plateau": plateau,
        "needed": needed,
        "window": window,
        "smooth": [_mean(few) for few in recent],
        "slope": [slope(epochs, values, i, window) for i in range(len(values))],
        "band": band,
        "stop": stop,
        "cooling_from": now.cooling_from,
        "sentence": sentence(now, train, stop),
    }


def sentence(now: Progress, train: TrainConfig, stop: int | None) -> str:
    """Why the run ended where it did, or what it is waiting for."""
    if stop is not None and stop < train.epochs:
        return reason(now, train)
    if not train.patience:
        return (
            f"train.patience is 0: the rule was off, all {train.epochs} epochs are "
            "trained"
        )
    if stop is not None:
        return (
            f"all {train.epochs} epochs: there were never {train.patience} evaluations "
            f"in a row without a gain of {train.min_gain} in {train.monitor}"
        )
    return (
        f"after epoch {now.epoch} of {train.epochs} it has waited for {now.waited} of "
        f"{train.patience} evaluations for a gain of {train.min_gain} in "
        f"{train.monitor}"
    )


def slope(epochs: list[int], values: list[float], at: int, window: int) -> float | None:
    """Least-squares slope per epoch of the last `window` evaluations up to `at`.

    None where there are not so many, or one is not finite.
    """
    first = at + 1 - window
    if first < 0 or not all(map(math.isfinite, values[first : at + 1])):
        return None
    x, y = epochs[first : at + 1], values[first : at + 1]
    middle, mean = _mean(x), _mean(y)
    spread = sum((a - middle) ** 2 for a in x)
    return sum((a - middle) * (b - mean) for a, b in zip(x, y, strict=True)) / spread


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
