"""Arithmetic, each operation with its derivatives."""

from typing import Any

import numpy as np

from ..engine.dtypes import bool_, int64, scalar_dtype, weak_promote
from ..engine.tensor import Tensor
from .rules import binary, fitting, flat, match, unary


def _divided(formula):
    """`formula` where an integer zero below is an error instead of numpy's 0."""

    def value(x, y):
        if x.dtype.kind != "f" and not y.all():
            raise RuntimeError("an integer was divided by zero")
        return formula(x, y)

    return value


_add = binary("add", np.add, lambda g: g, lambda g: g)
_sub = binary("sub", np.subtract, lambda g: g, lambda g: -g, "iuf")
mul = binary("mul", np.multiply, lambda g, y: g * y, lambda g, x: g * x)
_true_divide = binary(
    "div", np.true_divide, lambda g, y: g / y, lambda g, y, out: -g * out / y, None
)
_floor_divide = binary(
    "floor_divide", _divided(np.floor_divide), flat, flat, kinds="iuf"
)
_trunc_divide = binary(
    "trunc_divide",
    _divided(lambda x, y: np.trunc(x / y) if x.dtype.kind == "f" else _toward_0(x, y)),
    flat,
    flat,
    kinds="iuf",
)
remainder = binary(
    "remainder",
    _divided(np.remainder),
    lambda g: g,
    lambda g, x, y, m: -g * m.floor(x / y),
    kinds="iuf",
)
fmod = binary(
    "fmod",
    _divided(np.fmod),
    lambda g: g,
    lambda g, x, y, m: -g * m.trunc(x / y),
    kinds="iuf",
)
neg = unary("neg", np.negative, lambda g: -g, "iuf")
abs = unary("abs", np.abs, lambda g, x, m: g * m.sign(x), "iuf")


def add(x: Tensor | float, y: Tensor | float, *, alpha: float = 1) -> Tensor:
    """x + alpha y."""
    return _add(x, y) if alpha == 1 else _add(x, _scaled("add", y, x, alpha))


def sub(x: Tensor | float, y: Tensor | float, *, alpha: float = 1) -> Tensor:
    """x - alpha y."""
    for value in (x, y):
        if isinstance(value, Tensor) and value.data.dtype.kind == "b":
            fitting("sub", "iuf", value)
    return _sub(x, y) if alpha == 1 else _sub(x, _scaled("sub", y, x, alpha))


def rsub(x: Tensor | float, y: Tensor | float, *, alpha: float = 1) -> Tensor:
    """y - alpha x."""
    return sub(y, x, alpha=alpha)


def div(
    x: Tensor | float, y: Tensor | float, *, rounding_mode: str | None = None
) -> Tensor:
    """x / y; `rounding_mode` "floor" rounds down and "trunc" toward 0."""
    if rounding_mode is None:
        return _true_divide(x, y)
    if rounding_mode == "floor":
        return _floor_divide(x, y)
    if rounding_mode == "trunc":
        return _trunc_divide(x, y)
    raise RuntimeError(
        f"div: rounding_mode is None, 'floor' or 'trunc', not {rounding_mode!r}"
    )


def true_divide(x: Tensor | float, y: Tensor | float) -> Tensor:
    """x / y as floats."""
    return _true_divide(x, y)


def floor_divide(x: Tensor | float, y: Tensor | float) -> Tensor:
    """x / y rounded down; an integer divided by zero is an error."""
    return _floor_divide(x, y)


def positive(x: Tensor) -> Tensor:
    """The tensor itself."""
    fitting("positive", "iuf", x)
    return x


def addcmul(x: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """x + value tensor1 tensor2."""
    x, tensor1, tensor2 = fitting("addcmul", "iuf", *match(x, tensor1, tensor2))
    return add(x, mul(tensor1, tensor2), alpha=value)


def addcdiv(x: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """x + value tensor1 / tensor2."""
    x, tensor1, tensor2 = fitting("addcdiv", "f", *match(x, tensor1, tensor2))
    return add(x, _true_divide(tensor1, tensor2), alpha=value)


def _scaled(name: str, y: Any, x: Any, alpha: float) -> Any:
    """alpha y for x + alpha y, refused where alpha is of a higher kind than both."""
    dtype = match(x, y)[0].dtype
    wanted = scalar_dtype(alpha)
    if weak_promote(dtype, wanted) != dtype or (dtype == bool_ and wanted == int64):
        raise RuntimeError(f"{name}: alpha={alpha!r} beside tensors of dtype {dtype}")
    return mul(y, alpha) if isinstance(y, Tensor) else y * alpha


def _toward_0(x: Any, y: Any) -> Any:
    """Integer division rounded toward 0."""
    down = np.floor_divide(x, y)
    return (down + ((down < 0) & (down * y != x))).astype(x.dtype)


multiply, subtract, divide, negative, absolute = mul, sub, div, neg, abs
