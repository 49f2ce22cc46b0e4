"""Gradients kept within bounds."""

from collections.abc import Iterable
from math import inf, isfinite

from ..engine.backend import array_module
from ..engine.tensor import Tensor


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """Shrink all gradients together so that their norm is at most `max_norm`.

    Returns the norm before. A norm that is not finite is returned and nothing changed,
    or RuntimeError if asked for.
    """
    if not norm_type > 0:
        raise ValueError(f"clip_grad_norm_: norm_type is above 0, not {norm_type}")
    grads = _gradients(parameters)
    norms = [_norm(grad, norm_type) for grad in grads]
    if norm_type == inf:
        # max() of Python would overlook a NaN.
        total = sum(norms) if any(n != n for n in norms) else max(norms, default=0.0)
    else:
        total = sum(norm**norm_type for norm in norms) ** (1 / norm_type)
    if error_if_nonfinite and not isfinite(total):
        raise RuntimeError(f"clip_grad_norm_: the norm of the gradients is {total}")
    factor = max_norm / (total + 1e-6) if isfinite(total) else 1.0
    if factor < 1:
        for grad in grads:
            grad.data *= factor
            grad.mark_written("clip_grad_norm_")
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Bring every element of every gradient into [-clip_value, clip_value]."""
    for grad in _gradients(parameters):
        grad.data.clip(-clip_value, clip_value, out=grad.data)
        grad.mark_written("clip_grad_value_")


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    given = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in given if p.grad is not None]


def _norm(grad: Tensor, p: float) -> float:
    g = grad.data
    xp = array_module(g)
    g = g.astype("float32") if g.dtype.itemsize < 4 else g
    if p == 2:
        return float(xp.vdot(g, g)) ** 0.5
    if p == inf:
        return float(abs(g).max()) if g.size else 0.0
    return float((abs(g) ** p).sum()) ** (1 / p)
