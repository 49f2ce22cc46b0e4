"""The learning rate over time as a share of its peak: functions of the step, from 0.

`LambdaLR` of `lr_scheduler.py` takes them; they hold no state, so that a resumed run
asks for the step where it stands.
"""

from collections.abc import Callable
from math import cos, pi


Factor = Callable[[int], float]


def step_decay(step_size: int, gamma: float = 0.1) -> Factor:
    """gamma^(t // step_size)."""
    _at_least_one("step_decay", step_size=step_size)
    return lambda t: gamma ** (t // step_size)


def cosine(total: int, final: float = 0.0) -> Factor:
    """From 1 to `final` along half a cosine in `total` steps, `final` after."""
    _at_least_one("cosine", total=total)
    return lambda t: between(1.0, final, min(t, total) / total)


def warm_up(steps: int, then: Factor) -> Factor:
    """(t + 1) / (steps + 1) for `steps` steps, then `then` from its own start."""
    return lambda t: (t + 1) / (steps + 1) if t < steps else then(t - steps)


def one_cycle(
    total: int, rise: float = 0.3, start: float = 1 / 25, final: float = 1 / 250_000
) -> Factor:
    """Up from `start` to 1 and down to `final` along cosines (Smith & Topin 2018).

    The peak is `rise` of the way, the end at step total - 1 and after.
    """
    _at_least_one("one_cycle", total=total)
    return cycle(total, rise, start, 1.0, final)


def cycle(total: int, rise: float, start: float, top: float, end: float) -> Factor:
    """From `start` to `top` in `rise` of the way, then to `end`, along cosines."""
    peak = rise * total - 1

    def value(t: int) -> float:
        if t <= peak:
            return between(start, top, t / max(peak, 1e-9))
        rest = max(total - 1 - peak, 1e-9)
        return between(top, end, min((t - peak) / rest, 1.0))

    return value


def between(a: float, b: float, share: float) -> float:
    """From a to b along half a cosine."""
    return b + (a - b) * (1 + cos(pi * share)) / 2


def _at_least_one(name: str, **steps: int) -> None:
    for option, value in steps.items():
        if value < 1:
            raise ValueError(f"{name}: {option} must be 1 or more, not {value}")
