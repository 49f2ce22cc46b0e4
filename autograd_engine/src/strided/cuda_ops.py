"""The CUDA backend: storages stay on the GPU between operations.

Runs on a GPU, or anywhere in numba's simulator: NUMBA_ENABLE_CUDASIM=1, which is very
slow and checks the kernels thread by thread.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np


try:
    from numba import cuda
except ImportError as error:
    raise ImportError(
        "backend 'cuda' needs numba: pip install numba (or install the extra `fast`)"
    ) from error

from . import cuda_kernels as kernels
from .indexing import Shape, check_dim, shape_broadcast
from .tensor_data import TensorData
from .tensor_ops import Binary, TensorOps, Unary


GRID_Z = 65535  # what CUDA allows on the third axis of a grid


class CudaOps(TensorOps):
    """Numba CUDA. RuntimeError if there is no GPU that numba can use."""

    name = "cuda"

    def __init__(self) -> None:
        if not cuda.is_available():
            raise RuntimeError(
                "backend 'cuda' found no GPU that numba can use; "
                "set NUMBA_ENABLE_CUDASIM=1 before Python starts to simulate one, "
                "or use backend='fast'"
            )

    def place(self, values: np.ndarray) -> Any:
        return cuda.to_device(values)

    def fetch(self, storage: Any) -> np.ndarray:
        return storage.copy_to_host()

    @functools.cache  # noqa: B019  # one instance, kept by get_backend
    def map(self, fn: Unary) -> Callable[[TensorData], TensorData]:
        kernel = kernels.map_kernel(fn)

        def mapped(a: TensorData) -> TensorData:
            out = _empty(a.size)
            layout = _arrays(a.shape, a.strides)
            _launch(kernel, a.size, out, a.storage, *layout, a.offset)
            return TensorData(out, a.shape)

        return mapped

    @functools.cache  # noqa: B019
    def zip(self, fn: Binary) -> Callable[[TensorData, TensorData], TensorData]:
        kernel = kernels.zip_kernel(fn)

        def zipped(a: TensorData, b: TensorData) -> TensorData:
            shape = shape_broadcast(a.shape, b.shape, fn.__name__)
            a, b = a.broadcast_to(shape), b.broadcast_to(shape)
            out = _empty(a.size)
            layout = (*_arrays(shape, a.strides, b.strides), a.offset, b.offset)
            _launch(kernel, a.size, out, a.storage, b.storage, *layout)
            return TensorData(out, shape)

        return zipped

    @functools.cache  # noqa: B019
    def reduce(
        self, fn: Binary, start: float
    ) -> Callable[[TensorData, int], TensorData]:
        kernel = kernels.reduce_kernel(fn)

        def reduced(a: TensorData, dim: int) -> TensorData:
            dim = check_dim(dim, a.ndim, fn.__name__)
            size, step = a.shape[dim], a.strides[dim]
            kept, strides = (
                values[:dim] + values[dim + 1 :] for values in (a.shape, a.strides)
            )
            out = _empty(math.prod(kept))
            threads = min(kernels.THREADS, 1 << max(size - 1, 0).bit_length())
            if math.prod(kept):
                kernel[math.prod(kept), threads](
                    out, a.storage, *_arrays(kept, strides), a.offset, size, step, start
                )
            return TensorData(out, (*a.shape[:dim], 1, *a.shape[dim + 1 :]))

        return reduced

    def multiply(self, a: TensorData, b: TensorData) -> TensorData:
        batch, rows, inner = a.shape
        shape = (batch, rows, b.shape[2])
        out, tile = _empty(math.prod(shape)), kernels.TILE
        if math.prod(shape):
            grid = (-(-rows // tile), -(-shape[2] // tile), min(batch, GRID_Z))
            kernels.multiply_kernel[grid, (tile, tile)](
                out, a.storage, b.storage, *_arrays((batch, rows, inner, shape[2])),
                *_arrays(a.strides, b.strides), a.offset, b.offset,
            )  # fmt: skip
        return TensorData(out, shape)

    def convolve(
        self, x: TensorData, weight: TensorData, size: Shape, reverse: bool
    ) -> TensorData:
        shape = (x.shape[0], weight.shape[0], *size)
        out = _empty(math.prod(shape))
        starts = (x.offset, weight.offset, -1 if reverse else 1)
        layout = (shape, x.shape, weight.shape, x.strides, weight.strides, starts)
        _launch(
            kernels.convolve_kernel, math.prod(shape), out, x.storage, weight.storage,
            *_arrays(*layout),
        )  # fmt: skip
        return TensorData(out, shape)


def _empty(size: int) -> Any:
    return cuda.device_array(size, dtype=np.float64)


def _arrays(*values: tuple[int, ...]) -> tuple[Any, ...]:
    """Small integer arrays on the GPU; an empty one has a zero that is not read."""
    return tuple(
        cuda.to_device(np.array(v, dtype=np.int64)) if v else _nothing() for v in values
    )


@functools.cache
def _nothing() -> Any:
    """The shape of a tensor without axes: numba cannot copy an empty array."""
    return cuda.to_device(np.ones(1, dtype=np.int64))


def _launch(kernel: Callable, size: int, *arguments: Any) -> None:
    """One thread an element; nothing for no elements, which CUDA refuses."""
    threads = min(size, kernels.THREADS)
    if size:
        kernel[-(-size // threads), threads](*arguments)
