"""Steps divided by the size of past gradients: Adagrad and RMSprop."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer, with_decay


class Adagrad(Optimizer):
    """s = s + g^2;  p -= lr g / (sqrt(s) + eps) (Duchi, Hazan & Singer 2011).

    s starts at `initial_accumulator_value`; step t (from 0) has lr / (1 + t lr_decay).
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        defaults = dict(
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        super().__init__(params, defaults)

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            start = group["initial_accumulator_value"]
            state.update(step=0, sum=np.full_like(p, start))
        g = with_decay(g, p, group["weight_decay"])
        rate = group["lr"] / (1 + state["step"] * group["lr_decay"])
        state["step"] += 1
        state["sum"] += g * g
        p -= rate * g / (np.sqrt(state["sum"]) + group["eps"])


class RMSprop(Optimizer):
    """s = alpha s + (1-alpha) g^2;  p -= lr g / (sqrt(s) + eps) (Hinton 2012).

    `centered` subtracts the squared mean of g from s (Graves 2013, section 4.3);
    `momentum` collects the steps.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
        )
        super().__init__(params, defaults)

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        alpha = group["alpha"]
        names = ["square_avg", "momentum_buffer", "grad_avg"]
        used = [True, group["momentum"] > 0, group["centered"]]
        for name, use in zip(names, used, strict=True):
            if use and name not in state:
                state[name] = np.zeros_like(p)
        g = with_decay(g, p, group["weight_decay"])
        s = state["square_avg"]
        s *= alpha
        s += (1 - alpha) * g * g
        if group["centered"]:
            mean = state["grad_avg"]
            mean += (1 - alpha) * (g - mean)
            s = s - mean * mean
        step = g / (np.sqrt(s) + group["eps"])
        if group["momentum"]:
            state["momentum_buffer"] *= group["momentum"]
            state["momentum_buffer"] += step
            step = state["momentum_buffer"]
        p -= group["lr"] * step
