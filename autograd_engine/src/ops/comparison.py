"""Comparisons, logic and bits: results have no gradient, and are not recorded."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .aliases import numpy_names
from .fused import constant
from .reductions import kept_shape, normalize_dims
from .rules import cannot_broadcast, fitting, match, quiet, whole


def _compare(name: str, value: Callable, kinds: str = "biuf") -> Callable:
    """A function of two tensors or numbers, brought to one dtype."""
    value = quiet(value)

    def call(x: Tensor | float, y: Tensor | float) -> Tensor:
        x, y = fitting(name, kinds, *match(x, y))
        try:
            return constant(value(x.data, y.data))
        except ValueError:
            raise RuntimeError(cannot_broadcast(name, (x, y))) from None

    call.__name__ = call.__qualname__ = name
    return call


def _each(name: str, value: Callable, kinds: str = "biuf") -> Callable:
    """A function of one tensor."""

    def call(x: Tensor) -> Tensor:
        fitting(name, kinds, x)
        return constant(value(x.data))

    call.__name__ = call.__qualname__ = name
    return call


def _truth(formula: Callable) -> Callable:
    """`formula` on truth values: what is not 0 is true."""
    return lambda *arrays: formula(*[a.astype(np.bool_, copy=False) for a in arrays])


eq = _compare("eq", np.equal)
ne = _compare("ne", np.not_equal)
lt = _compare("lt", np.less)
le = _compare("le", np.less_equal)
gt = _compare("gt", np.greater)
ge = _compare("ge", np.greater_equal)
less, less_equal, greater, greater_equal, not_equal = lt, le, gt, ge, ne

isnan = _each("isnan", np.isnan)
isinf = _each("isinf", np.isinf)
isfinite = _each("isfinite", np.isfinite)
isposinf = _each("isposinf", lambda x: x == np.inf)
isneginf = _each("isneginf", lambda x: x == -np.inf)
signbit = _each("signbit", lambda x: np.signbit(x) if x.dtype.kind == "f" else x < 0)

logical_not = _each("logical_not", _truth(np.logical_not))
logical_and = _compare("logical_and", _truth(np.logical_and))
logical_or = _compare("logical_or", _truth(np.logical_or))
logical_xor = _compare("logical_xor", _truth(np.logical_xor))

bitwise_not = _each("bitwise_not", np.invert, "biu")
bitwise_and = _compare("bitwise_and", np.bitwise_and, "biu")
bitwise_or = _compare("bitwise_or", np.bitwise_or, "biu")
bitwise_xor = _compare("bitwise_xor", np.bitwise_xor, "biu")
bitwise_left_shift = _compare("bitwise_left_shift", np.left_shift, "iu")
bitwise_right_shift = _compare("bitwise_right_shift", np.right_shift, "iu")


def isclose(
    x: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """|x - other| <= atol + rtol |other|, element by element."""
    if not (isinstance(x, Tensor) and isinstance(other, Tensor)):
        raise TypeError("isclose wants two tensors")
    if x.dtype != other.dtype:
        raise RuntimeError(f"isclose: dtypes {x.dtype} and {other.dtype} differ")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol={rtol} and atol={atol} are not negative")
    try:
        return constant(np.isclose(x.data, other.data, rtol, atol, equal_nan))
    except ValueError:
        raise RuntimeError(cannot_broadcast("isclose", (x, other))) from None


def allclose(
    x: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> bool:
    """Whether all elements are close, as `isclose` has it."""
    return bool(isclose(x, other, rtol, atol, equal_nan).data.all())


def equal(x: Tensor, other: Tensor) -> bool:
    """Whether shapes and all values are the same."""
    if x.shape != other.shape:
        return False
    return bool(eq(x, other).data.all())


@numpy_names
def any(x: Tensor, dim: int | tuple | None = None, keepdim: bool = False) -> Tensor:
    """Whether one element over `dim` is not 0; of uint8 tensors as uint8."""
    return _whether(np.any, "any", x, dim, keepdim)


@numpy_names
def all(x: Tensor, dim: int | tuple | None = None, keepdim: bool = False) -> Tensor:
    """Whether no element over `dim` is 0; of uint8 tensors as uint8."""
    return _whether(np.all, "all", x, dim, keepdim)


def isin(
    elements: Tensor | float,
    test_elements: Tensor | float,
    *,
    assume_unique: bool = False,
    invert: bool = False,
) -> Tensor:
    """Which of `elements` occur in `test_elements`."""
    x, y = match(elements, test_elements)
    return constant(np.isin(x.data, y.data, assume_unique=assume_unique, invert=invert))


def _whether(formula: Callable, name: str, x: Tensor, dim: Any, keepdim: bool):
    if dim == ():
        out = x.data.astype(np.bool_)
    else:
        axes = normalize_dims(name, dim, x.ndim)
        out = whole(formula(x.data, axis=axes if x.ndim else None))
        if keepdim:
            out = out.reshape(kept_shape(x.shape, axes))
    return constant(out.astype(np.uint8) if x.dtype == np.uint8 else out)
