# pattern: training/stopping.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/stopping.py --from <sub-project>
"""Why a run ended before its last epoch: in a sentence and in a picture.

An evaluation counts as a gain if it is better by `min_gain` than the last one that was;
after `patience` evaluations without one the run is on a plateau. With a `cooldown` the
learning rate then falls to zero, which wins what noise at a high rate has hidden.
"""

import csv
import textwrap
from pathlib import Path

from ..utils.plots import BLUE, ORANGE, SKY, new_figure, plain_text, save_figure
from .progress import Progress, TrainConfig


DIGITS = 1e-6
"""What the rounding of metrics.csv may take from a gain."""


def reason(now: Progress, train: TrainConfig) -> str:
    """The sentence of the decision."""
    found = (
        f"{train.patience} evaluations without a gain of {train.min_gain} "
        f"in {train.monitor}"
    )
    cooled = ""
    if now.cooling_from is not None:
        found += f" by epoch {now.cooling_from}"
        cooled = f", then the rate fell to zero in {now.epoch - now.cooling_from}"
    saved = train.epochs - now.epoch
    return f"{found}{cooled}; {saved} of {train.epochs} epochs were not needed"


def draw_stopping(
    metrics_csv: Path, now: Progress, train: TrainConfig, path: Path
) -> None:
    """The monitored value, each useful gain, the waiting, and the epochs left out."""
    epochs, values = _evaluations(metrics_csv, train.monitor)
    judged, gains = Progress(), []
    for epoch, value in zip(epochs, values, strict=True):
        judged.judge(value, train.mode, train.min_gain - DIGITS)
        if judged.waited == 0:
            gains.append((epoch, value))
    stop = now.cooling_from or now.epoch
    figure = new_figure(7.2, 3.6)
    axis = figure.subplots()
    axis.plot(epochs, values, color=BLUE, marker="o", markersize=3, label="validation")
    if gains:
        axis.plot(
            *zip(*gains, strict=True),
            "o",
            color=ORANGE,
            label="a useful gain",
            zorder=3,
        )
        first = max(epoch for epoch, _ in gains if epoch <= stop)
        axis.axvspan(first, stop, color=ORANGE, alpha=0.2, label="waiting in vain")
    if now.cooling_from is not None:
        axis.axvspan(stop, now.epoch, color=SKY, alpha=0.3, label="cooling down")
    if now.epoch < train.epochs:
        axis.axvspan(
            now.epoch, train.epochs, facecolor="none", hatch="//", edgecolor="0.8",
            label="not needed",
        )  # fmt: skip
    axis.set_xlim(0, train.epochs)
    axis.set_xlabel("epoch")
    axis.set_ylabel(plain_text(train.monitor))
    title = textwrap.fill(plain_text(_title(now, train), 240), 90)
    axis.set_title(title, fontsize="small")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small", loc="best")
    save_figure(figure, path)


def _title(now: Progress, train: TrainConfig) -> str:
    if now.epoch < train.epochs:
        return reason(now, train)
    return f"all {train.epochs} epochs: gains of {train.min_gain} went on"


def _evaluations(metrics_csv: Path, monitor: str) -> tuple[list[int], list[float]]:
    with open(metrics_csv, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "val"]
    pairs = [(int(row["epoch"]), float(row[monitor])) for row in rows if row[monitor]]
    return [epoch for epoch, _ in pairs], [value for _, value in pairs]
