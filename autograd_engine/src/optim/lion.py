"""Lion: the sign of a momentum (Chen et al. 2023, arXiv 2302.06675, algorithm 2)."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer


class Lion(Optimizer):
    """p -= lr (sign(b1 m + (1-b1) g) + decay p), then m = b2 m + (1-b2) g.

    Every element moves by lr: choose it 3 to 10 times smaller than for AdamW.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        defaults = dict(lr=lr, betas=tuple(betas), weight_decay=weight_decay)
        super().__init__(params, defaults)

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        beta1, beta2 = group["betas"]
        if not state:
            state["exp_avg"] = np.zeros_like(p)
        m = state["exp_avg"]
        p *= 1 - group["lr"] * group["weight_decay"]
        p -= group["lr"] * np.sign(beta1 * m + (1 - beta1) * g)
        m *= beta2
        m += (1 - beta2) * g
