# pattern: training/progress.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/progress.py --from <sub-project>
"""What a training run is told, and what it must remember to be continued."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class TrainConfig:
    epochs: int = 10
    accumulate: int = 1
    """Batches whose gradients are averaged for one step."""

    # local: begin
    label_smoothing: float = 0.0
    """Share of the target that is spread over all classes while training."""
    ema: float = 0.0
    """Decay of the averaged weights, which are the ones evaluated; 0: no average."""
    monitor: str = "accuracy"
    mode: Literal["max", "min"] = "max"
    # local: end
    patience: int = 0
    """Stop after so many evaluations that gain less than `min_gain`; 0 never stops."""
    min_gain: float = 0.001
    eval_every: int = 1
    """Epochs between evaluations; the last epoch is always evaluated."""
    save_every: int = 0
    """Steps between checkpoints inside an epoch; 0 saves after each epoch."""
    log_every: int = 20
    """Steps between rows of metrics.csv and log lines."""

    def __post_init__(self):
        for name in ("epochs", "accumulate", "eval_every", "log_every"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} = {getattr(self, name)}: must be > 0")
        for name in ("patience", "save_every", "min_gain"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)}: must be >= 0")
        if (self.monitor, self.mode) == ("loss", "max"):
            raise ValueError("mode = max: a loss is better when small; set it to min")
        # local: begin
        for name in ("label_smoothing", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be in [0, 1)")
        # local: end


@dataclass(slots=True)
class Progress:
    """Where a run is; saved as it stands."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    """Batches of this epoch that are done, counted here: a loader runs ahead."""
    loss_sum: float = 0.0
    loss_steps: int = 0
    best: float | None = None
    best_step: int = 0
    plateau: float | None = None
    """The value that a useful gain is measured from."""
    waited: int = 0
    rows: int = 0
    """Rows of metrics.csv that belong to this state."""
    # local: begin
    # local: end

    def judge(self, value: float, mode: str, min_gain: float) -> bool:
        """Note an evaluation; True if it is the best so far.

        NaN never is.
        """
        sign = 1 if mode == "max" else -1
        better = self.best is None or sign * (value - self.best) > 0
        better = better and math.isfinite(value)
        if better:
            self.best, self.best_step = value, self.step
        gain = math.inf if self.plateau is None else sign * (value - self.plateau)
        # As floats, 0.993 is less than 0.0005 better than 0.9925.
        if math.isfinite(value) and gain >= min_gain - 1e-9:
            self.plateau, self.waited = value, 0
        else:
            self.waited += 1
        return better
