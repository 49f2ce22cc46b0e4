"""Muon: momentum made orthogonal, for matrices (Jordan et al. 2024).

The step keeps the directions of the momentum and gives them all about the same length:
U V^T of its singular value decomposition, approximated by a polynomial iteration.
"""

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .optimizer import Optimizer


COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ADJUSTMENTS = {
    "original": lambda rows, columns: sqrt(max(1.0, rows / columns)),
    "match_rms_adamw": lambda rows, columns: 0.2 * sqrt(max(rows, columns)),
}
"""How the learning rate depends on the shape of a matrix."""


class Muon(Optimizer):
    """v = momentum v + (1-momentum) g;  p -= lr sqrt(max(1, rows/columns)) orth(v).

    Only for matrices inside a network; give embeddings, heads and vectors to AdamW.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = COEFFICIENTS,
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults = dict(
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_coefficients=tuple(ns_coefficients),
            eps=eps,
            ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn,
        )
        super().__init__(params, defaults)

    def check(self, options: dict[str, Any]) -> None:
        super().check(options)
        if options["adjust_lr_fn"] not in (None, *ADJUSTMENTS):
            raise ValueError(
                f"Muon: adjust_lr_fn is {' or '.join(ADJUSTMENTS)}, "
                f"not {options['adjust_lr_fn']!r}"
            )
        if len(options["ns_coefficients"]) != 3:
            raise ValueError("Muon: ns_coefficients are three numbers")

    def check_parameter(self, p: Tensor) -> None:
        if p.ndim != 2:
            raise ValueError(
                f"Muon is for matrices, not for a parameter of shape {p.shape}; "
                "give that one to AdamW"
            )

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        momentum = group["momentum"]
        if not state:
            state["momentum_buffer"] = np.zeros_like(p)
        v = state["momentum_buffer"]
        v += (1 - momentum) * (g - v)
        step = g + momentum * (v - g) if group["nesterov"] else v
        step = orthogonalize(
            step, group["ns_steps"], group["eps"], group["ns_coefficients"]
        )
        adjust = ADJUSTMENTS[group["adjust_lr_fn"] or "original"]
        p *= 1 - group["lr"] * group["weight_decay"]
        p -= group["lr"] * adjust(*p.shape) * step


def orthogonalize(
    matrix: np.ndarray,
    steps: int = 5,
    eps: float = 1e-7,
    coefficients: tuple[float, float, float] = COEFFICIENTS,
) -> np.ndarray:
    """About U V^T of `matrix` = U S V^T: singular values end between 0.7 and 1.2.

    X <- a X + (b A + c A A) X with A = X X^T, from X of Frobenius norm 1; singular
    values far below the largest, by more than 100 times, end lower. In the dtype of
    `matrix`: PyTorch's iterates in bfloat16, with errors of 1 %.
    """
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / max(float(np.linalg.norm(x)), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x
