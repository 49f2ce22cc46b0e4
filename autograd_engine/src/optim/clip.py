"""Gradients kept within bounds."""

from collections.abc import Iterable

import numpy as np

from ..engine.tensor import Tensor


def clip_grad_norm_(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Shrink all gradients together so that their 2-norm is at most `max_norm`.

    Returns the norm before. A norm that is not finite is returned and nothing changed.
    """
    grads = [p.grad.data for p in parameters if p.grad is not None]
    norm = float(np.sqrt(sum(float(np.vdot(g, g)) for g in grads)))
    if np.isfinite(norm) and norm > max_norm:
        for g in grads:
            g *= max_norm / (norm + 1e-6)
    return norm


def clip_grad_value_(parameters: Iterable[Tensor], clip_value: float) -> None:
    """Bring every element of every gradient into [-clip_value, clip_value]."""
    for p in parameters:
        if p.grad is not None:
            np.clip(p.grad.data, -clip_value, clip_value, out=p.grad.data)
