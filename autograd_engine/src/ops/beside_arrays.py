"""Where numpy and plain Python meet a tensor: functions of arrays, and f-strings."""

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from . import calculus, choices, comparison, elementwise, matmul, power, rounding


MODULES = (calculus, choices, comparison, elementwise, matmul, power, rounding)
# Where the same name means something else here, or another name the same.
RENAMED = {
    "equal": comparison.eq,
    "power": power.pow,
    "invert": comparison.bitwise_not,
    "left_shift": comparison.bitwise_left_shift,
    "right_shift": comparison.bitwise_right_shift,
}


def array_ufunc(
    self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options
) -> Any:
    """numpy's function of a tensor: `array * x` and `np.exp(x)` are operations.

    `array += x` writes to the array, so that `p.data -= 0.1 * p.grad` is a step.
    """
    name = ufunc.__name__
    known = [getattr(module, name) for module in MODULES if hasattr(module, name)]
    operation = RENAMED.get(name, known[0] if known else None)
    if operation is None or method != "__call__" or options:
        raise TypeError(
            f"numpy.{ufunc.__name__} is not for a tensor: use the operation of this "
            "package, or x.detach().numpy()"
        )
    first, *rest = inputs
    number = isinstance(first, (Tensor, np.generic)) or not hasattr(first, "shape")
    result = operation(first if number else Tensor(first), *rest)
    if out is None:
        return result
    if result.requires_grad or isinstance(out[0], Tensor):
        raise TypeError(
            f"numpy.{ufunc.__name__} would write a result with a gradient, or to a "
            "tensor; detach() it first"
        )
    np.copyto(out[0], result.data)
    return out[0]


def formatted(self: Tensor, how: str) -> str:
    """A tensor in an f-string: `f"{loss:.4f}"` is its number, as in PyTorch."""
    if self.ndim == 0:
        return format(self.item(), how)
    if how:
        raise TypeError(
            f"the format {how!r} is for one number, this tensor has shape {self.shape}"
        )
    return str(self)
