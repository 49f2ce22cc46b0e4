"""A stand-in for CuPy where there is no GPU: numpy inside, its refusals outside.

`install()` puts it into sys.modules; only ever in a process of its own.

What it can show: that a program asks CuPy for nothing that CuPy lacks. The names and
arguments are those of CuPy 14.2 (cupy_names.json, read with `inspect` from the wheel);
the rules are those of its documentation and of its own refusals, tried out where they
need no GPU: no implicit conversion to numpy, no numpy array of any shape beside a CuPy
array in a ufunc, a function or an assignment (an index may be one),
0-d arrays instead of scalars, `reduce` and `accumulate` of `add` and `multiply` only,
`where=True`, `initial=` and `casting=` refused, no `__index__`, no `writeable` flag,
integer arrays wrap around instead of being out of bounds, and of an element that is
written twice the FIRST value stays here (there it is undefined), `copy` and `get` in
the order C.

What it cannot show: that CUDA's kernels compute the same numbers to the last digit, the
speed, the memory, two GPUs, streams, or a bug of CuPy. Float16 and integer division by
zero may differ there. Where CuPy is more tolerant than this page, the page is wrong on
the safe side.
"""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from tests.fake_cupy_array import NAMES, SAME, UFUNCS, Ufunc, function, ndarray


SCALARS = {np.dtype(code).type for code in "?bhilqBHILQefd"} | {np.finfo, np.iinfo}


class Device:
    """`with cupy.cuda.Device(0)`."""

    def __init__(self, number: int = 0) -> None:
        if number:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *error: object) -> None:
        pass


class FakeCupy(ModuleType):
    """Answers with what CuPy has; AttributeError for what it has not."""

    def __getattr__(self, name: str) -> Any:
        if name in UFUNCS:
            return Ufunc(name)
        if name in NAMES["functions"]:
            return function(name)
        value = getattr(np, name, None)
        if isinstance(value, float) or value in SCALARS or name in SAME:
            return value
        raise AttributeError(f"module 'cupy' has no attribute {name!r}")


def as_strided(x: ndarray, shape: Any = None, strides: Any = None) -> ndarray:
    return ndarray(np.lib.stride_tricks.as_strided(x._a, shape, strides))


def sliding_window_view(x: ndarray, window_shape: Any, axis: Any = None) -> ndarray:
    return ndarray(np.lib.stride_tricks.sliding_window_view(x._a, window_shape, axis))


def install() -> ModuleType:
    """`import cupy` gives the stand-in from here on, in this process."""
    module = FakeCupy("cupy")
    module.ndarray, module.asnumpy = ndarray, lambda a: a.get()
    module.lib = SimpleNamespace(
        stride_tricks=SimpleNamespace(
            as_strided=as_strided, sliding_window_view=sliding_window_view
        )
    )
    module.linalg = SimpleNamespace(
        norm=function("linalg.norm"), qr=function("linalg.qr")
    )
    runtime = SimpleNamespace(
        CUDARuntimeError=RuntimeError,
        getDeviceCount=lambda: 1,
        getDeviceProperties=lambda number: {"name": b"a stand-in"},
    )
    module.cuda = SimpleNamespace(Device=Device, runtime=runtime)
    sys.modules["cupy"] = module
    return module
