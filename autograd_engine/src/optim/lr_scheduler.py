"""Learning rates that change: each `step()`, called after an update, sets those of all
groups of the optimiser. PyTorch's names; an epoch is what the caller makes it.
"""

from collections.abc import Callable, Sequence
from math import cos, inf, pi
from typing import Any

from .optimizer import Optimizer
from .schedules import cycle, step_decay


class LRScheduler:
    """Base: `lr_at(t, initial)` is the rate after `t` calls of `step()`."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer, self.t = optimizer, 0
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self._set()

    def lr_at(self, t: int, initial: float) -> float:
        raise NotImplementedError(f"{type(self).__name__} states no lr_at()")

    def step(self) -> None:
        self.t += 1
        self._set()

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        return {"t": self.t, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from `saved`, and set the rates of that time."""
        if len(saved["base_lrs"]) != len(self.base_lrs):
            raise ValueError(
                f"{type(self).__name__}: a state of {len(saved['base_lrs'])} groups "
                f"for an optimiser of {len(self.base_lrs)}"
            )
        self.t, self.base_lrs = saved["t"], list(saved["base_lrs"])
        self._set()

    def _set(self) -> None:
        pairs = zip(self.optimizer.param_groups, self.base_lrs, strict=True)
        for group, initial in pairs:
            group["lr"] = self.lr_at(self.t, initial)


class LambdaLR(LRScheduler):
    """initial lr * lr_lambda(t)."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def lr_at(self, t: int, initial: float) -> float:
        return initial * self.lr_lambda(t)


class StepLR(LambdaLR):
    """initial lr * gamma^(t // step_size)."""

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1
    ) -> None:
        super().__init__(optimizer, step_decay(step_size, gamma))


class MultiStepLR(LambdaLR):
    """initial lr * gamma^(how many milestones are reached)."""

    def __init__(
        self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1
    ) -> None:
        places = tuple(milestones)
        super().__init__(optimizer, lambda t: gamma ** sum(t >= m for m in places))


class ExponentialLR(LambdaLR):
    """initial lr * gamma^t."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        super().__init__(optimizer, lambda t: gamma**t)


class LinearLR(LambdaLR):
    """From start_factor to end_factor of the initial lr in `total_iters` steps."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        gap = end_factor - start_factor

        def factor(t: int) -> float:
            return start_factor + gap * min(t / max(total_iters, 1), 1.0)

        super().__init__(optimizer, factor)


class CosineAnnealingLR(LRScheduler):
    """eta_min + (initial - eta_min) (1 + cos(pi t / T_max)) / 2: up again after T_max.

    `schedules.cosine` stays down.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        if T_max < 1:
            raise ValueError(f"CosineAnnealingLR: T_max must be 1 or more, not {T_max}")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def lr_at(self, t: int, initial: float) -> float:
        share = (1 + cos(pi * t / self.T_max)) / 2
        return self.eta_min + (initial - self.eta_min) * share


class OneCycleLR(LRScheduler):
    """Up from max_lr / div_factor to max_lr, down to 1 / final_div_factor of the start.

    Along cosines (Smith & Topin 2018, 1708.07120); momentum (beta1 of Adam) goes the
    other way unless `cycle_momentum=False`. ValueError in step `total_steps`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: int,
        *,
        pct_start: float = 0.3,
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        if total_steps < 1 or not 0 <= pct_start <= 1:
            raise ValueError(
                f"OneCycleLR: total_steps {total_steps} must be 1 or more, "
                f"pct_start {pct_start} from 0 to 1"
            )
        if cycle_momentum and not {"betas", "momentum"} & optimizer.defaults.keys():
            raise ValueError(
                f"OneCycleLR: {type(optimizer).__name__} has no momentum to cycle; "
                "pass cycle_momentum=False"
            )
        self.total_steps, self.cycle_momentum = total_steps, cycle_momentum
        low = max_lr / div_factor
        shape = total_steps, pct_start
        self.rate = cycle(*shape, low, max_lr, low / final_div_factor)
        self.momentum = cycle(*shape, max_momentum, base_momentum, max_momentum)
        for group in optimizer.param_groups:
            group["initial_lr"] = low
        super().__init__(optimizer)

    def lr_at(self, t: int, initial: float) -> float:
        return self.rate(t)

    def _set(self) -> None:
        if self.t >= self.total_steps:
            raise ValueError(
                f"OneCycleLR: step {self.t} of a cycle of {self.total_steps} steps, "
                "which are counted from 0"
            )
        super()._set()
        for group in self.optimizer.param_groups if self.cycle_momentum else ():
            momentum = self.momentum(self.t)
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum


class ReduceLROnPlateau:
    """Multiply lr by `factor` when the metric has not improved for `patience` calls.

    To improve is to fall (`mode="max"`: rise) by more than the share `threshold` of the
    best value, or by more than `threshold` itself (`threshold_mode="abs"`).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if not factor < 1:
            raise ValueError(f"ReduceLROnPlateau: factor is below 1, not {factor}")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(
                "ReduceLROnPlateau: mode is min or max and threshold_mode rel or abs, "
                f"not {mode!r} and {threshold_mode!r}"
            )
        self.optimizer, self.mode, self.factor = optimizer, mode, factor
        self.patience, self.cooldown, self.min_lr = patience, cooldown, min_lr
        self.threshold, self.threshold_mode, self.eps = threshold, threshold_mode, eps
        self.best = inf if mode == "min" else -inf
        self.bad = self.rest = 0

    def step(self, metrics: float) -> None:
        value = float(metrics)
        if self._is_better(value):
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.rest > 0:
            self.rest, self.bad = self.rest - 1, 0
        if self.bad > self.patience:
            self.rest, self.bad = self.cooldown, 0
            for group in self.optimizer.param_groups:
                lower = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - lower > self.eps:
                    group["lr"] = lower

    def get_last_lr(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "bad": self.bad, "rest": self.rest}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.best, self.bad, self.rest = (saved[k] for k in ("best", "bad", "rest"))

    def _is_better(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        gap = self.threshold
        if self.threshold_mode == "rel":
            return sign * value < sign * self.best * (1 - sign * gap)
        return sign * value < sign * self.best - gap
