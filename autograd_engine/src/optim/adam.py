"""Adam (Kingma & Ba 2015, arXiv 1412.6980) and AdamW (Loshchilov & Hutter 2019)."""

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from .optimizer import Optimizer, with_decay


class Adam(Optimizer):
    """m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;  p -= lr m' / (sqrt(v') + eps).

    m' and v' are divided by 1 - b^t: both start at 0 (algorithm 1). `weight_decay` adds
    `weight_decay * p` to g.
    """

    decoupled = False

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = dict(lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay)
        super().__init__(params, defaults)

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        (beta1, beta2), lr, decay = group["betas"], group["lr"], group["weight_decay"]
        if not state:
            state.update(step=0, exp_avg=np.zeros_like(p), exp_avg_sq=np.zeros_like(p))
        state["step"] += 1
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        if decay and self.decoupled:
            p *= 1 - lr * decay
        elif decay:
            g = with_decay(g, p, decay)
        scratch = np.empty_like(g)
        np.multiply(g, 1 - beta1, out=scratch)
        m *= beta1
        m += scratch
        np.multiply(g, g, out=scratch)
        scratch *= 1 - beta2
        v *= beta2
        v += scratch
        # m / (sqrt(v) / c + eps) = c m / (sqrt(v) + c eps): a pass over memory less.
        c = sqrt(1 - beta2**t)
        np.sqrt(v, out=scratch)
        scratch += c * group["eps"]
        np.divide(m, scratch, out=scratch)
        scratch *= lr * c / (1 - beta1**t)
        p -= scratch


class AdamW(Adam):
    """Adam whose weight decay shrinks p by lr * weight_decay, apart from g."""

    decoupled = True

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)
