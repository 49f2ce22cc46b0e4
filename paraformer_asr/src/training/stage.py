# pattern: training/stage.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/stage.py --from <sub-project>
"""Training in stages: each with an optimiser and a schedule of its own.

A task that has `stages` is trained so; any other in one stage, by `optim`.
"""

from typing import NamedTuple

from ..utils.run_dir import RunDir
from .optim import OptimConfig, lr_at
from .progress import Progress
from .state import State


class Stage(NamedTuple):
    """The epochs from `first`, counted from 0, to the next stage."""

    name: str
    first: int
    optim: OptimConfig


class Stages:
    """Those of a run; the first begins with epoch 0, the last ends with the run."""

    def __init__(self, task, config, steps_per_epoch: int):
        whole = [Stage("", 0, config.optim)]
        self.all: list[Stage] = getattr(task, "stages", None) or whole
        self.epochs, self.steps_per_epoch = config.train.epochs, steps_per_epoch

    def lr(self, now: Progress) -> float:
        """The rate of the next step, by the schedule of its stage."""
        number = self._number(now.epoch)
        ends = [stage.first for stage in self.all[1:]] + [self.epochs]
        stage, steps = self.all[number], self.steps_per_epoch
        total = (ends[number] - stage.first) * steps
        return lr_at(stage.optim, now.step - stage.first * steps, total)

    def enter(self, state: State, run: RunDir) -> None:
        """Where a later stage begins: keep what the last one made, begin anew."""
        now, number = state.progress, self._number(state.progress.epoch)
        stage = self.all[number]
        if number and now.batch == 0 and now.epoch == stage.first:
            state.begin_stage(run, self.all[number - 1].name, stage.optim)
            state.stage = number

    def _number(self, epoch: int) -> int:
        return max(i for i, stage in enumerate(self.all) if stage.first <= epoch)
