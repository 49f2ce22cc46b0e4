"""Muon: momentum made orthogonal, for matrices (Jordan et al. 2024).

The step keeps the directions of the momentum and gives them all about the same length:
U V^T of its singular value decomposition, approximated by a polynomial iteration.
"""

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from .optimizer import Optimizer, check_options


COEFFICIENTS = (3.4445, -4.7750, 2.0315)


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
        ns_steps: int = 5,
    ) -> None:
        check_options("Muon", lr=lr, weight_decay=weight_decay, momentum=momentum)
        defaults = dict(
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_steps=ns_steps,
        )
        super().__init__(params, defaults)
        for p in self._parameters():
            if p.ndim != 2:
                raise ValueError(
                    f"Muon is for matrices, not for a parameter of shape {p.shape}; "
                    "give that one to AdamW"
                )

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        momentum = group["momentum"]
        v = state.setdefault("momentum_buffer", np.zeros_like(p))
        v += (1 - momentum) * (g - v)
        step = g + momentum * (v - g) if group["nesterov"] else v
        step = orthogonalize(step, group["ns_steps"])
        p *= 1 - group["lr"] * group["weight_decay"]
        p -= group["lr"] * sqrt(max(1.0, p.shape[0] / p.shape[1])) * step


def orthogonalize(matrix: np.ndarray, steps: int = 5, eps: float = 1e-7) -> np.ndarray:
    """About U V^T of `matrix` = U S V^T: singular values end between 0.7 and 1.2.

    X <- a X + (b A + c A A) X with A = X X^T, from X of Frobenius norm 1.
    """
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / max(float(np.linalg.norm(x)), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x
