"""Where numpy and plain Python meet a tensor: functions of arrays, and f-strings."""

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from . import calculus, comparison, elementwise, matmul, power, rounding


OPERATIONS = {
    "add": elementwise.add,
    "subtract": elementwise.sub,
    "multiply": elementwise.mul,
    "divide": elementwise.div,
    "true_divide": elementwise.div,
    "floor_divide": elementwise.floor_divide,
    "remainder": elementwise.remainder,
    "power": power.pow,
    "matmul": matmul.matmul,
    "less": comparison.lt,
    "less_equal": comparison.le,
    "greater": comparison.gt,
    "greater_equal": comparison.ge,
    "equal": comparison.eq,
    "not_equal": comparison.ne,
    "bitwise_and": comparison.bitwise_and,
    "bitwise_or": comparison.bitwise_or,
    "bitwise_xor": comparison.bitwise_xor,
    "negative": elementwise.neg,
    "absolute": elementwise.abs,
    "square": power.square,
    "sqrt": power.sqrt,
    "exp": calculus.exp,
    "log": calculus.log,
    "sin": calculus.sin,
    "cos": calculus.cos,
    "tanh": calculus.tanh,
    "floor": rounding.floor,
    "ceil": rounding.ceil,
}


def array_ufunc(
    self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options
) -> Any:
    """numpy's function of a tensor: `array * x` and `np.exp(x)` are operations.

    `array += x` writes to the array, so that `p.data -= 0.1 * p.grad` is a step.
    """
    operation = OPERATIONS.get(ufunc.__name__)
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
