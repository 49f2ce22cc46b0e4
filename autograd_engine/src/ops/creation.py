"""Tensors from nothing: filled, counted, and like another one."""

import math
from typing import Any

import numpy as np

from ..engine.arrays import as_array
from ..engine.backend import array_module, to_device
from ..engine.dtypes import check_dtype, get_default_dtype, int64, scalar_dtype
from ..engine.tensor import Tensor, tensor


def zeros(
    *size: int, dtype: Any = None, device: str = "cpu", requires_grad: bool = False
) -> Tensor:
    """Zeros of shape `size`, given as numbers or as one tuple."""
    return leaf(np.zeros(shape_of(size), float_or(dtype)), device, requires_grad)


def ones(
    *size: int, dtype: Any = None, device: str = "cpu", requires_grad: bool = False
) -> Tensor:
    """Ones of shape `size`."""
    return leaf(np.ones(shape_of(size), float_or(dtype)), device, requires_grad)


def empty(
    *size: int, dtype: Any = None, device: str = "cpu", requires_grad: bool = False
) -> Tensor:
    """Memory of shape `size`, whatever it holds."""
    return leaf(np.empty(shape_of(size), float_or(dtype)), device, requires_grad)


def full(
    size: tuple[int, ...],
    fill_value: float,
    *,
    dtype: Any = None,
    device: str = "cpu",
    requires_grad: bool = False,
) -> Tensor:
    """`fill_value` everywhere, whose kind decides the dtype if none is given."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    dtype = scalar_dtype(value) if dtype is None else check_dtype(dtype)
    return leaf(np.full(shape_of((size,)), value, dtype), device, requires_grad)


def scalar_tensor(
    value: float, *, dtype: Any = None, device: str = "cpu", requires_grad: bool = False
) -> Tensor:
    """A tensor without axes, floating-point unless `dtype` says otherwise."""
    return leaf(as_array(value, float_or(dtype)), device, requires_grad)


def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    device: str = "cpu",
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... below `end`; `arange(end)` starts at 0."""
    start, end = (0, start) if end is None else (start, end)
    if step == 0 or (end - start) / step < 0:
        raise RuntimeError(
            f"arange: from {start} to {end} in steps of {step} is no way"
        )
    whole = all(scalar_dtype(v).kind in "ib" for v in (start, end, step))
    if dtype is None:
        dtype = int64 if whole else get_default_dtype()
    length = math.ceil((end - start) / step)
    values = start + step * np.arange(length, dtype=int64 if whole else np.float64)
    return leaf(values.astype(check_dtype(dtype)), device, requires_grad)


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Any = None,
    device: str = "cpu",
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers at equal distances, both ends included."""
    dtype = float_or(dtype)
    start, end = _number(start), _number(end)
    if dtype.kind == "f":
        values = np.linspace(start, end, _steps("linspace", steps), dtype=np.float64)
    else:
        values = _whole_steps(int(start), int(end), _steps("linspace", steps), dtype)
    return leaf(values.astype(dtype), device, requires_grad)


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: str = "cpu",
    requires_grad: bool = False,
) -> Tensor:
    """base ** linspace(start, end, steps)."""
    dtype = float_or(dtype)
    start, end = _number(start), _number(end)
    if dtype.kind != "f":
        start, end = int(start), int(end)
    exponents = np.linspace(start, end, _steps("logspace", steps), dtype=np.float64)
    if dtype.kind != "f" and steps > 1:
        step = np.float32((end - start) / (steps - 1))
        exponents = start + step * np.arange(steps, dtype=np.float64)
    with np.errstate(all="ignore"):
        values = np.power(float(base), exponents).astype(dtype)
    return leaf(values, device, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: str = "cpu",
    requires_grad: bool = False,
) -> Tensor:
    """Ones on the diagonal of n rows and m (n) columns."""
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"eye: sizes {n} and {m} are not negative")
    return leaf(np.eye(n, m, dtype=float_or(dtype)), device, requires_grad)


def zeros_like(x: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape, dtype and device of `x`."""
    return Tensor(np.zeros_like(x.data, dtype), requires_grad=requires_grad)


def ones_like(x: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the shape, dtype and device of `x`."""
    return Tensor(np.ones_like(x.data, dtype), requires_grad=requires_grad)


def empty_like(x: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Memory of the shape, dtype and device of `x`."""
    return Tensor(np.empty_like(x.data, dtype), requires_grad=requires_grad)


def full_like(
    x: Tensor, fill_value: float, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """`fill_value` in the shape, dtype and on the device of `x`."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    return Tensor(np.full_like(x.data, value, dtype), requires_grad=requires_grad)


def new_zeros(x: Tensor, *size: int, dtype: Any = None, requires_grad: bool = False):
    """Zeros of shape `size` and the dtype of `x`."""
    return _new(x, "zeros", size, dtype, requires_grad)


def new_ones(x: Tensor, *size: int, dtype: Any = None, requires_grad: bool = False):
    """Ones of shape `size` and the dtype of `x`."""
    return _new(x, "ones", size, dtype, requires_grad)


def new_empty(x: Tensor, *size: int, dtype: Any = None, requires_grad: bool = False):
    """Memory of shape `size` and the dtype of `x`."""
    return _new(x, "empty", size, dtype, requires_grad)


def new_full(
    x: Tensor,
    size: tuple[int, ...],
    fill_value: float,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`fill_value` in shape `size` and the dtype of `x`."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    array = array_module(x.data).full(
        shape_of((size,)), value, x.dtype if dtype is None else check_dtype(dtype)
    )
    return Tensor(array, requires_grad=requires_grad)


def new_tensor(x: Tensor, data: Any, *, dtype: Any = None, requires_grad: bool = False):
    """A copy of `data` in the dtype of `x`."""
    return tensor(
        data, dtype=x.dtype if dtype is None else dtype, requires_grad=requires_grad
    )


def as_tensor(data: Any, *, dtype: Any = None) -> Tensor:
    """`data` as a tensor that shares its memory where it can; a tensor as it is."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return Tensor(data, dtype)


def leaf(array: np.ndarray, device: str, requires_grad: bool) -> Tensor:
    """A new tensor around `array`."""
    return Tensor(to_device(array, device), requires_grad=requires_grad)


def shape_of(size: tuple) -> tuple[int, ...]:
    """`zeros(2, 3)` and `zeros((2, 3))` are the same."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = tuple(size[0])
    size = tuple(int(n) for n in size)
    if any(n < 0 for n in size):
        raise RuntimeError(f"a tensor of shape {size}: no size is negative")
    return size


def float_or(dtype: Any) -> np.dtype:
    """`dtype`, or the default one of floats."""
    return get_default_dtype() if dtype is None else check_dtype(dtype)


def _new(x: Tensor, kind: str, size: tuple, dtype: Any, requires_grad: bool) -> Tensor:
    dtype = x.dtype if dtype is None else check_dtype(dtype)
    array = getattr(array_module(x.data), kind)(shape_of(size), dtype)
    return Tensor(array, requires_grad=requires_grad)


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor) else value


def _steps(name: str, steps: int) -> int:
    if steps < 0:
        raise RuntimeError(f"{name}: steps={steps} is negative")
    return int(steps)


def _whole_steps(start: int, end: int, steps: int, dtype: np.dtype) -> np.ndarray:
    """Integers from both ends, each step cut toward 0 as PyTorch does."""
    if steps < 2:
        return np.full(steps, start, dtype)
    step = np.float32((end - start) / (steps - 1))
    i = np.arange(steps)
    from_start = (start + step * i).astype(np.int64)
    from_end = (end - step * (steps - i - 1)).astype(np.int64)
    return np.where(i < steps // 2, from_start, from_end)
