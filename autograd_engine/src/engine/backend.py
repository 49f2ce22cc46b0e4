"""Which array library holds the values: numpy, or CuPy where a GPU is used."""

import sys
from types import ModuleType
from typing import Any

import numpy as np


def array_module(array: Any) -> ModuleType:
    """numpy, or cupy for its arrays: `xp.zeros(...)` is made where `array` lives."""
    if isinstance(array, np.ndarray):
        return np
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(array, cupy.ndarray):
        return cupy
    hint = "; the .data of a tensor is an array: x.data = y.data"
    raise TypeError(
        f"neither a numpy nor a CuPy array: {type(array).__name__}"
        f"{hint if hasattr(array, 'grad_fn') else ''}"
    )


def running(formula: np.ufunc, array: Any, axis: int) -> Any:
    """`formula.accumulate`, which CuPy has for sums and products only.

    There in log2(n) steps of ever larger strides (Hillis & Steele 1986).
    """
    if isinstance(array, np.ndarray) or formula in (np.add, np.multiply):
        return formula.accumulate(array, axis)
    out, step = array.copy(), 1
    moved = np.moveaxis(out, axis, 0)
    while step < len(moved):
        moved[step:] = formula(moved[:-step], moved[step:])
        step *= 2
    return out


def to_device(array: Any, device: str) -> Any:
    """`array` on `cpu`, `cuda` or `cuda:N`; itself if it is there already."""
    if device == "cpu":
        return array if array_module(array) is np else array.get()
    if device.partition(":")[0] != "cuda":
        raise ValueError(f"the devices are cpu, cuda and cuda:N, not {device!r}")
    try:
        import cupy
    except ImportError:
        raise RuntimeError(
            "a tensor on a GPU is a CuPy array; first: pip install cupy-cuda12x"
        ) from None
    with cupy.cuda.Device(int(device.partition(":")[2] or 0)):
        return cupy.asarray(array)
