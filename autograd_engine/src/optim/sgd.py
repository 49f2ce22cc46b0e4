"""Stochastic gradient descent, with momentum (Polyak 1964; Nesterov 1983)."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer, with_decay


class SGD(Optimizer):
    """v = momentum * v + (1 - dampening) * g;  p = p - lr * v.

    `weight_decay` adds `weight_decay * p` to g first. With `nesterov` the step is
    lr * (g + momentum * v): a look ahead along v.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
        )
        super().__init__(params, defaults)

    def check(self, options: dict[str, Any]) -> None:
        super().check(options)
        momentum, dampening = options["momentum"], options["dampening"]
        if options["nesterov"] and (momentum <= 0 or dampening != 0):
            raise ValueError("SGD: nesterov needs momentum > 0 and dampening 0")

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        g = with_decay(g, p, group["weight_decay"])
        if group["momentum"]:
            v = state.get("momentum_buffer")
            if v is None:
                v = state["momentum_buffer"] = g.copy()
            else:
                v *= group["momentum"]
                v += (1 - group["dampening"]) * g if group["dampening"] else g
            g = g + group["momentum"] * v if group["nesterov"] else v
        p -= group["lr"] * g
