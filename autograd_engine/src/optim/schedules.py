"""The learning rate over time. Each schedule sets `lr` of the groups in `step()`.

`step()` is called once after each update (or epoch: the unit is the caller's).
"""

from collections.abc import Callable
from math import cos, pi
from typing import Any

from .optimizer import Optimizer


class LambdaLR:
    """lr = initial lr * `factor(t)`, t the number of calls of `step()` so far."""

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]) -> None:
        self.optimizer, self.factor, self.t = optimizer, factor, 0
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self._set()

    def step(self) -> None:
        self.t += 1
        self._set()

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        return {"t": self.t}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.t = saved["t"]
        self._set()

    def _set(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * self.factor(self.t)


def step_decay(step_size: int, gamma: float = 0.1) -> Callable[[int], float]:
    """gamma^(t // step_size)."""
    return lambda t: gamma ** (t // step_size)


def cosine(total: int, final: float = 0.0) -> Callable[[int], float]:
    """From 1 to `final` along half a cosine in `total` steps, `final` after."""
    return lambda t: final + (1 - final) * (1 + cos(pi * min(t, total) / total)) / 2


def warm_up(steps: int, then: Callable[[int], float]) -> Callable[[int], float]:
    """(t + 1) / (steps + 1) for `steps` steps, then `then` from its own start."""
    return lambda t: (t + 1) / (steps + 1) if t < steps else then(t - steps)


def one_cycle(
    total: int, rise: float = 0.3, start: float = 1 / 25, final: float = 1 / 250_000
) -> Callable[[int], float]:
    """Up to 1 and down to `final`, along cosines (Smith & Topin 2018, 1708.07120).

    The peak is `rise` of the way; the initial learning rate of the groups is the peak.
    """
    peak = rise * total - 1

    def factor(t: int) -> float:
        if t <= peak:
            return _between(start, 1, t / max(peak, 1e-9))
        return _between(1, final, min((t - peak) / (total - 1 - peak), 1.0))

    return factor


class ReduceLROnPlateau:
    """Multiply lr by `factor` when the metric has not fallen for `patience` calls.

    Falling means by more than the share `threshold` of the best value.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        min_lr: float = 0.0,
    ) -> None:
        self.optimizer, self.factor, self.patience = optimizer, factor, patience
        self.threshold, self.min_lr = threshold, min_lr
        self.best, self.bad = float("inf"), 0

    def step(self, metric: float) -> None:
        if metric < self.best * (1 - self.threshold):
            self.best, self.bad = float(metric), 0
        else:
            self.bad += 1
        if self.bad > self.patience:
            self.bad = 0
            for group in self.optimizer.param_groups:
                group["lr"] = max(group["lr"] * self.factor, self.min_lr)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "bad": self.bad}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.best, self.bad = saved["best"], saved["bad"]


def _between(a: float, b: float, share: float) -> float:
    return b + (a - b) * (1 + cos(pi * share)) / 2
