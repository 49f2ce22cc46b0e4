"""Views share memory, and writing in place has to keep the history true.

A recorded write turns the tensor into the result of an operation on its old self, as if
`x = write(x, value)`: what is overwritten gets no gradient. What would make another
tensor's history untrue is refused.
"""

from typing import Any

import numpy as np

from .dtypes import category
from .grad_mode import is_grad_enabled
from .tensor import Tensor


def as_view(out: Tensor, x: Tensor) -> Tensor:
    """Note that `out` shows the memory of `x`: one version, and the base's history."""
    base = x if x._base is None else x._base
    out._version, out._base, out._born = x._version, base, base.grad_fn
    return out


def is_recorded(x: Tensor, value: object = None) -> bool:
    """Whether writing `value` to `x` has to go into the graph."""
    if not is_grad_enabled():
        return False
    base_needs = x._base is not None and x._base.requires_grad
    value_needs = isinstance(value, Tensor) and value.requires_grad
    return x.requires_grad or base_needs or value_needs


def refuse_write(x: Tensor, name: str) -> None:
    """RuntimeError where a recorded write to `x` would make a gradient untrue."""
    if x._base is not None:
        raise RuntimeError(
            f"{name} on a view of another tensor while gradients are recorded: write "
            "to the base (base[index] = value), or to a clone() of the view"
        )
    if x.requires_grad and x.grad_fn is None:
        raise RuntimeError(
            f"{name} on a leaf that requires gradients: its old value is what the "
            "gradient is for; work on a clone(), or inside no_grad() to change the leaf"
        )


def refuse_read_only(x: Tensor, name: str) -> None:
    """RuntimeError for memory that several elements share, or that is protected."""
    if not getattr(x.data.flags, "writeable", not _shares_elements(x.data)):
        raise RuntimeError(
            f"{name}: the memory of this tensor is shared by its elements (expand) or "
            "read-only; write to a clone()"
        )


def _shares_elements(array: Any) -> bool:
    """Whether an axis stays at one place of the memory: CuPy writes there as well."""
    steps = zip(array.shape, array.strides, strict=True)
    return any(size > 1 and stride == 0 for size, stride in steps)


def become(x: Tensor, result: Tensor, name: str) -> Tensor:
    """Give `x` the values of `result`, and its history if operations are recorded."""
    if result.shape != x.shape:
        raise RuntimeError(
            f"{name}: a result of shape {result.shape} does not fit into {x.shape}"
        )
    if result.requires_grad and not x.is_floating_point():
        raise RuntimeError(f"{name}: a gradient cannot pass through {x.dtype}")
    refuse_read_only(x, name)
    if category(result.dtype) > category(x.dtype):
        raise RuntimeError(
            f"{name}: a result of {result.dtype} does not go into {x.dtype}: "
            "convert the tensor first, or take the operation that is not in place"
        )
    result = result.to(x.dtype)
    np.copyto(x.data, result.data)
    x.mark_written(name)
    if is_grad_enabled():
        retained = _forget_retained(x)
        x.grad_fn, x.output_nr = result.grad_fn, result.output_nr
        x.requires_grad = result.requires_grad
        if retained:
            x.retain_grad()
    return x


def _forget_retained(x: Tensor) -> bool:
    """Take back `x.retain_grad()`, which is about what `x` was before a write."""
    hooks = (x.grad_fn.hooks or {}) if x.grad_fn is not None else {}
    mine = [hook for hook in hooks.get(x.output_nr, ()) if _retains(hook) is x]
    for hook in mine:
        hooks[x.output_nr].remove(hook)
    return bool(mine)


def _retains(hook: Any) -> Any:
    return hook.tensor() if hasattr(hook, "tensor") else None
