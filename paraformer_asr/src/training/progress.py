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
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "fp32"
    """bf16 and fp16 by autocast; fp16 scales the loss and needs CUDA; auto measures a
    few steps of fp32 and bf16 and takes the faster."""
    channels_last = False  # no field: there are no images and no batch norm here
    ema: float = 0.0
    """Decay of the averaged weights, which are the ones evaluated; 0: no average."""
    bn_batches = 0
    cooldown: int = 0
    """Epochs over which the rate falls to zero, once on a plateau or before the last
    epoch; 0: it does not, and a plateau ends the run at once."""
    keep: int = 0
    """Last epochs whose weights stay as epoch-NNN.pt, for scripts/average.py."""
    timeout_s: float = 120.0
    """How long a process waits for the others of a torchrun job."""
    monitor: str = "loss"
    mode: Literal["max", "min"] = "min"
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
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema = {self.ema}: must be in [0, 1)")
        if self.cooldown < 0:
            raise ValueError(f"cooldown = {self.cooldown}: must be >= 0")
        if self.keep < 0:
            raise ValueError(f"keep = {self.keep}: must be >= 0")
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s = {self.timeout_s}: must be > 0")
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
    cooling_from: int | None = None
    """The epoch after which the cool-down began."""

    def start_cooling(self, train: TrainConfig) -> None:
        """Begin the cool-down on a plateau, or where its epochs are the last ones."""
        due = self.epoch >= train.epochs - train.cooldown
        if train.cooldown and self.cooling_from is None:
            if due or self.is_on_plateau(train):
                self.cooling_from = self.epoch

    def cooling(self, train: TrainConfig, steps_per_epoch: int) -> float:
        """Factor of the learning rate: 1, and to 0 over the epochs of a cool-down."""
        if self.cooling_from is None:
            return 1.0
        first, last = self.cooling_from, self.end(train)
        return max(0.0, last - self.step / steps_per_epoch) / max(last - first, 1)

    def is_on_plateau(self, train: TrainConfig) -> bool:
        """Whether `patience` evaluations have gained less than `min_gain`."""
        return 0 < train.patience <= self.waited

    def end(self, train: TrainConfig) -> int:
        """Epochs to train as far as is known: all, or fewer because of a plateau."""
        if self.cooling_from is not None:
            return min(train.epochs, self.cooling_from + train.cooldown)
        return self.epoch if self.is_on_plateau(train) else train.epochs

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
