# pattern: training/lr_finder.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/lr_finder.py --from <sub-project>
"""Which learning rate? A range test (Smith 2017, arXiv 1506.01186, section 3.3).

The rate grows by the same factor at each step of a short training on a copy; the loss
first stays, then falls, then breaks out. Good rates lie on the way down: where it is
steepest, or at a tenth of where it is lowest.
"""

import copy
import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..data.dataloader import close, train_loader
from ..utils.atomic import write_atomically
from ..utils.config import load_config
from ..utils.device import describe_device, pick_device
from ..utils.distributed import Ranks
from ..utils.errors import DivergedError, InputError
from ..utils.folders import make_folder
from ..utils.logging import log, start_logging, table
from ..utils.plots import BLUE, GREEN, SKY, VERMILLION, new_figure, save_figure
from ..utils.run_dir import to_json
from ..utils.seed import seed_everything
from .precision import with_measured_precision
from .stage import Stage
from .state import State
from .task import Config, Setup, build
from .trainer import Trainer


BROKEN_OUT = 4.0
"""Times the lowest loss at which the test ends."""
RECENT = 5
"""Steps whose mean loss is compared with that."""
USEFUL = 0.05
"""Share of the first loss by which it must fall before a rate is suggested."""


@dataclass(frozen=True, slots=True)
class RangeTest:
    rates: list[float]
    losses: list[float]
    """Of the batch of each step, before the step."""
    smooth: list[float]
    """Weighted means over neighbouring steps."""
    broke_out: bool
    """Whether the test ended because the loss did."""
    lowest: float
    """Rate of the lowest smoothed loss."""
    steepest: float | None
    """Rate of the steepest fall before it; None where the loss hardly fell."""

    @property
    def tenth(self) -> float | None:
        """A tenth of `lowest`, under the same condition."""
        return None if self.steepest is None else self.lowest / 10


def find_lr(
    path: Path,
    overrides: Sequence[str],
    low: float,
    high: float,
    steps: int,
    out: Path,
    device: str = "auto",
    as_json: bool = False,
) -> int:
    """The command: test, print what was found, draw it; gives the exit code."""
    start_logging()
    config = load_config(Config, path, overrides)
    place = pick_device(device)
    seed_everything(config.seed)
    setup = build(config)
    make_folder(out)  # before the time that the test takes
    setup.model.to(place)
    config = with_measured_precision(config, setup, place)
    log.info(f"{setup.title} · {describe_device(place)} · {steps} steps at most")
    found = range_test(config, setup, place, low, high, steps)
    picture, numbers = out / f"{path.stem}.png", out / f"{path.stem}.csv"
    draw(found, picture)
    rows = zip(found.rates, found.losses, found.smooth, strict=True)
    text = "".join(f"{rate:.6g},{a:.6g},{b:.6g}\n" for rate, a, b in rows)
    write_atomically(numbers, f"lr,loss,smoothed\n{text}".encode())
    rate = found.tenth and float(f"{found.tenth:.1e}")
    command = ["python", "scripts/train.py", "--config", str(path), *overrides]
    summary = {
        "steepest": found.steepest,
        "tenth_of_lowest": found.tenth,
        "lowest": found.lowest,
        "broke_out": found.broke_out,
        "steps": len(found.losses),
        "picture": str(picture),
        "csv": str(numbers),
        "next": rate and shlex.join([*command, f"optim.lr={rate:g}"]),
    }
    print(to_json(summary) if as_json else _report(summary))
    return 0


def range_test(
    config: Config,
    setup: Setup,
    device: torch.device,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
) -> RangeTest:
    """Train a copy of the model for up to `steps` steps, from rate `low` to `high`.

    The steps are those of the trainer: its precision, clipping, accumulation,
    augmentation and loss. Raises InputError for a range that is none.
    """
    if not 0 < low < high < math.inf:
        raise InputError(f"--low {low:g} --high {high:g}: must be 0 < low < high")
    if steps < 2 * RECENT:
        raise InputError(f"--steps {steps}: needs at least {2 * RECENT}")
    rates = [low * (high / low) ** (i / (steps - 1)) for i in range(steps)]
    losses: list[float] = []
    try:
        for loss in _Climber(config, setup, device).climb(rates):
            losses.append(loss)
            if _is_out(losses):
                break
    except DivergedError:
        pass  # which is what the test was looking for
    if len(losses) < RECENT:
        raise InputError(
            f"the loss is not finite after {len(losses)} steps from --low {low:g}; "
            "begin at a lower rate"
        )
    return judge(rates[: len(losses)], losses, len(losses) < steps or _is_out(losses))


def judge(rates: list[float], losses: list[float], broke_out: bool) -> RangeTest:
    """What the losses at growing rates say."""
    smooth = _smooth(losses)
    bottom = min(range(len(smooth)), key=smooth.__getitem__)
    slopes = [b - a for a, b in zip(smooth, smooth[1:], strict=False)][:bottom]
    steepest = None
    if slopes and smooth[bottom] < (1 - USEFUL) * smooth[0]:
        i = min(range(len(slopes)), key=slopes.__getitem__)
        steepest = math.sqrt(rates[i] * rates[i + 1])
    return RangeTest(rates, losses, smooth, broke_out, rates[bottom], steepest)


def draw(found: RangeTest, path: Path) -> None:
    """The loss against the rate, and where the two suggestions lie."""
    figure = new_figure(7.2, 4.0)
    axis = figure.subplots()
    axis.plot(found.rates, found.losses, color=SKY, alpha=0.7, label="each step")
    axis.plot(found.rates, found.smooth, color=BLUE, linewidth=2, label="smoothed")
    title = "The loss hardly falls at any rate of this range"
    if found.steepest is not None:
        for rate, color, dashes, name in [
            (found.tenth, GREEN, "--", "a tenth of the lowest"),
            (found.steepest, VERMILLION, ":", "steepest fall"),
        ]:
            axis.axvline(
                rate, color=color, linestyle=dashes, label=f"{name}: {rate:.1e}"
            )
        title = f"The loss is lowest at a rate of {found.lowest:.1e}"
        title += ", then breaks out" if found.broke_out else ""
    axis.set_xscale("log")
    low, high = min(found.smooth), max(found.smooth[: max(len(found.smooth) // 3, 1)])
    axis.set_ylim(low - 0.15 * (high - low) - 0.02, high + 0.6 * (high - low) + 0.02)
    axis.set_xlabel("learning rate")
    axis.set_ylabel("training loss")
    axis.set_title(title)
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small", loc="best")
    save_figure(figure, path)


def _report(summary: dict[str, Any]) -> str:
    if summary["next"] is None:
        said = "the loss hardly fell at any rate: no suggestion. Try a higher --high, "
        said += "or more --steps"
    else:
        said = table(
            [
                ("steepest fall", f"{summary['steepest']:.1e}"),
                ("a tenth of the lowest", f"{summary['tenth_of_lowest']:.1e}"),
            ],
            ("suggestion", "optim.lr"),
        )
    saved = f"saved  {summary['picture']}\n       {summary['csv']}"
    step = f"\nnext   {summary['next']}" if summary["next"] else ""
    return f"{said}\n{saved}{step}"


class _Climber(Trainer):
    """The trainer's own steps, each at a rate of its own; writes nothing."""

    def __init__(self, config: Config, setup: Setup, device: torch.device):
        train = replace(config.train, ema=0.0)
        config = replace(config, train=train)
        layout = torch.channels_last if train.channels_last else torch.preserve_format
        model = copy.deepcopy(setup.model).to(device, memory_format=layout)
        state = State(config, {}, model, Ranks())
        super().__init__(config, setup.task, setup.datasets, state, None, Ranks(), True)

    def climb(self, rates: list[float]) -> Iterator[float]:
        self.state.model.train()
        self.total_steps = len(rates)
        batches = self._endless()
        for rate in rates:
            flat = replace(self.config.optim, lr=rate, schedule="constant", warmup=0.0)
            self.stages.all = [Stage("", 0, flat)]
            yield self._step(batches)[0]

    def _endless(self) -> Iterator[dict[str, Any]]:
        while True:
            loader = train_loader(
                self.datasets["train"], self._batches(0), self.config.data.workers
            )
            iterator = iter(loader)
            try:
                yield from iterator
            finally:
                close(iterator)
            self.state.progress.epoch += 1


def _is_out(losses: list[float]) -> bool:
    """Whether the loss of the last steps is far above the lowest of so many."""
    means = [
        sum(losses[i : i + RECENT]) / RECENT for i in range(len(losses) - RECENT + 1)
    ]
    return len(means) > 1 and means[-1] > BROKEN_OUT * min(means)


def _smooth(losses: list[float]) -> list[float]:
    """Means over neighbours with the weights of a normal curve, as far as they are.

    Centred: an average over the past alone would show each turn at too high a rate.
    """
    width = max(len(losses) / 33, 1.0)
    values = torch.tensor(losses, dtype=torch.float64)
    places = torch.arange(len(losses), dtype=torch.float64)
    weights = torch.exp(-((places[:, None] - places) / width).square() / 2)
    return (weights @ values / weights.sum(1)).tolist()
