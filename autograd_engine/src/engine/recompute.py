"""Checkpointing: keep the inputs of a part of the network, compute it twice.

The forward pass of `fn` records nothing, so that what its operations would keep for the
backward pass is not held; the backward pass runs it again with recording (Chen et al.
2016, "Training deep nets with sublinear memory cost").
"""

from collections.abc import Callable
from typing import Any

from .backward import _run, _start
from .function import Function
from .grad_mode import enable_grad
from .random import get_rng_state, set_rng_state
from .tensor import Tensor


class Recompute(Function):
    """`fn(*tensors)`, whose graph is built in the backward pass."""

    fills_leaves = True

    @staticmethod
    def forward(ctx: Function, _: Tensor, fn: Callable, *args: Any) -> Any:
        ctx.fn, ctx.values = fn, args
        ctx.random_state = get_rng_state()
        ctx.save_for_backward(*[a for a in args if isinstance(a, Tensor)])
        out = fn(*args)
        return tuple(out) if isinstance(out, (tuple, list)) else out

    @staticmethod
    def backward(ctx: Function, *grads: Tensor) -> tuple:
        tensors = iter(ctx.saved_tensors)
        args = [
            _leaf(next(tensors)) if isinstance(a, Tensor) else a for a in ctx.values
        ]
        now = get_rng_state()
        set_rng_state(ctx.random_state)
        try:
            with enable_grad():
                out = ctx.fn(*args)
        finally:
            set_rng_state(now)
        outputs = out if isinstance(out, (tuple, list)) else (out,)
        starts = [
            _start(o, g) for o, g in zip(outputs, grads, strict=True) if o.requires_grad
        ]
        # Into `.grad`: of the new leaves, and of the parameters that `fn` uses.
        _run(starts, keep=False, create_graph=False)
        found = (a.grad if isinstance(a, Tensor) else None for a in args)
        # Arrays: they are ours, and grad of grad through them is refused.
        return None, None, *(None if g is None else g.data for g in found)


def checkpoint(fn: Callable[..., Any], *args: Any) -> Any:
    """`fn(*args)` whose inner values are not kept but computed again in the backward.

    Random numbers are drawn the same both times, and `fn` must give the same result
    both times. The parameters it uses get their `.grad` from `backward()`; `ag.grad`
    cannot return them, and refuses.
    """
    # Records the operation where only parameters that `fn` uses ask for gradients.
    asks = Tensor(0.0, requires_grad=True)
    return Recompute.apply(asks, fn, *args)


def _leaf(tensor: Tensor) -> Tensor:
    out = tensor.detach()
    return out.requires_grad_() if tensor.requires_grad else out
