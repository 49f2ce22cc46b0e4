"""The numba backend: compiled loops, in parallel where a tensor is large.

Each rule is compiled when it is first used, about 0.3 seconds, and kept on disk for the
next process if it is one of `operators.py`. Rules of your own are compiled each time.
"""

import functools
import inspect
import math
import zlib
from collections.abc import Callable

import numpy as np


try:
    from numba import njit
    from numba.extending import register_jitable
except ImportError as error:
    raise ImportError(
        "backend 'fast' needs numba: pip install numba (or install the extra `fast`)"
    ) from error

from . import fast_kernels as kernels
from . import operators
from .indexing import Shape, check_dim, shape_broadcast
from .tensor_data import TensorData
from .tensor_ops import Binary, TensorOps, Unary


GRAIN = 32768  # elements from which threads pay
FLOPS = 262144  # multiplications from which threads pay
# Sums may be reordered and fused; infinities and NaN keep their meaning.
FASTMATH = {"reassoc", "contract"}


class FastOps(TensorOps):
    """Numba, `njit(parallel=True)` from 32,768 elements up."""

    name = "fast"

    @functools.cache  # noqa: B019  # one instance, kept by get_backend
    def map(self, fn: Unary) -> Callable[[TensorData], TensorData]:
        flat, strided = _Kernel(kernels.map_flat, fn), _Kernel(kernels.map_strided, fn)

        def mapped(a: TensorData) -> TensorData:
            out = np.empty(a.size)
            if a.is_contiguous():
                flat(a.size, out, a.flat())
            elif a.size:
                shape, strides = _collapse(a.shape, a.strides)
                strided(a.size, out, a.storage, shape, strides, a.offset)
            return TensorData(out, a.shape)

        return mapped

    @functools.cache  # noqa: B019
    def zip(self, fn: Binary) -> Callable[[TensorData, TensorData], TensorData]:
        flat, strided = _Kernel(kernels.zip_flat, fn), _Kernel(kernels.zip_strided, fn)

        def zipped(a: TensorData, b: TensorData) -> TensorData:
            if a.shape == b.shape and a.is_contiguous() and b.is_contiguous():
                out = np.empty(a.size)
                flat(a.size, out, a.flat(), b.flat())
                return TensorData(out, a.shape)
            shape = shape_broadcast(a.shape, b.shape, fn.__name__)
            out = np.empty(math.prod(shape))
            if out.size:
                a, b = a.broadcast_to(shape), b.broadcast_to(shape)
                layout = _collapse(shape, a.strides, b.strides)
                strided(
                    out.size, out, a.storage, b.storage, *layout, a.offset, b.offset
                )
            return TensorData(out, shape)

        return zipped

    @functools.cache  # noqa: B019
    def reduce(
        self, fn: Binary, start: float
    ) -> Callable[[TensorData, int], TensorData]:
        runs, rows = _Kernel(kernels.fold_runs, fn), _Kernel(kernels.fold_rows, fn)

        def reduced(a: TensorData, dim: int) -> TensorData:
            dim = check_dim(dim, a.ndim, fn.__name__)
            size, step = a.shape[dim], a.strides[dim]
            kept, strides = (
                values[:dim] + values[dim + 1 :] for values in (a.shape, a.strides)
            )
            outputs = math.prod(kept)
            out = np.full(outputs, start)
            layout = (*_collapse(kept, strides), a.offset, size, step)
            if a.size and outputs > 1 and abs(layout[1][-1]) < abs(step):
                rows(a.size, out, a.storage, *layout, start)
            elif a.size:
                blocks = max(1, min(64, a.size // GRAIN // outputs))
                parts = out if blocks == 1 else np.empty(outputs * blocks)
                runs(a.size, parts, a.storage, *layout, blocks, start)
                if blocks > 1:
                    parts = TensorData(parts, (outputs, blocks))
                    out = reduced(parts, 1).storage
            return TensorData(out, (*a.shape[:dim], 1, *a.shape[dim + 1 :]))

        return reduced

    def multiply(self, a: TensorData, b: TensorData) -> TensorData:
        if b.strides[2] != 1:
            b = self.contiguous(b)
        shape = (a.shape[0], a.shape[1], b.shape[2])
        out, inner = np.zeros(shape), a.shape[2]
        if out.size * inner:
            _matmul(
                out.size * inner, out, a.storage, b.storage,
                _array(a.strides), _array(b.strides), a.offset, b.offset, inner,
            )  # fmt: skip
        return TensorData(out.reshape(-1), shape)

    def convolve(
        self, x: TensorData, weight: TensorData, size: Shape, reverse: bool
    ) -> TensorData:
        shape = (x.shape[0], weight.shape[0], *size)
        out = np.zeros(shape)
        if out.size and x.size and weight.size:
            _convolution(
                out.size * math.prod(weight.shape[1:]), out, x.storage, weight.storage,
                _array(x.shape), _array(weight.shape),
                _array(x.strides), _array(weight.strides),
                (x.offset, weight.offset), -1 if reverse else 1,
            )  # fmt: skip
        return TensorData(out.reshape(-1), shape)


class _Kernel:
    """One loop around a rule, compiled when called: serial or parallel by the work."""

    def __init__(self, factory: Callable, *rule: Callable, grain: int = GRAIN) -> None:
        self.factory = factory
        self.rule = rule
        self.grain = grain

    def __call__(self, work: int, *arguments) -> None:
        (self.parallel if work >= self.grain else self.serial)(*arguments)

    @functools.cached_property
    def serial(self) -> Callable:
        return self._compile(parallel=False)

    @functools.cached_property
    def parallel(self) -> Callable:
        return self._compile(parallel=True)

    def _compile(self, *, parallel: bool) -> Callable:
        rule = [_callable(fn) for fn in self.rule]
        body = self.factory(*rule, _salt() * 2 + parallel)
        options = {"parallel": parallel, "fastmath": FASTMATH, "error_model": "numpy"}
        # The cache knows a rule by its name: only ours are known to be unchanged.
        if all(fn.__module__ == operators.__name__ for fn in self.rule):
            try:
                return njit(body, cache=True, **options)
            except RuntimeError:  # no folder to write to
                pass
        return njit(body, **options)


@functools.cache
def _callable(fn: Callable) -> Callable:
    """The rule as compiled code can call it: itself, made known to numba."""
    return fn if hasattr(fn, "py_func") else register_jitable(fn)


@functools.cache
def _salt() -> int:
    """A number of the text of the rules: another text, another cache entry."""
    return zlib.crc32(inspect.getsource(operators).encode())


_matmul = _Kernel(kernels.multiply, grain=FLOPS)
_convolution = _Kernel(kernels.convolve, grain=FLOPS)


def _array(values: tuple[int, ...]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def _collapse(shape: Shape, *strides: Shape) -> tuple[np.ndarray, ...]:
    """Shape and strides with neighbouring axes merged where one stride reads both."""
    sizes, merged = [1], [[0] for _ in strides]
    for axis, size in enumerate(shape):
        steps = [values[axis] for values in strides]
        if size == 1:
            continue
        if sizes[-1] == 1 or all(
            own[-1] == step * size for own, step in zip(merged, steps, strict=True)
        ):
            sizes[-1] *= size
            for own, step in zip(merged, steps, strict=True):
                own[-1] = step
        else:
            sizes.append(size)
            for own, step in zip(merged, steps, strict=True):
                own.append(step)
    return tuple(_array(values) for values in (sizes, *merged))
