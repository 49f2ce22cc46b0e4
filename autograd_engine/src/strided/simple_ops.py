"""The backend to read: every operation as a Python loop over lists of floats."""

import functools
import math
from collections.abc import Callable

import numpy as np

from .indexing import Shape, check_dim, shape_broadcast
from .tensor_data import TensorData
from .tensor_ops import Binary, TensorOps, Unary


class SimpleOps(TensorOps):
    """Plain Python."""

    name = "simple"

    def map(self, fn: Unary) -> Callable[[TensorData], TensorData]:
        def mapped(a: TensorData) -> TensorData:
            return _pack([fn(x) for x in a.elements()], a.shape)

        return mapped

    def zip(self, fn: Binary) -> Callable[[TensorData, TensorData], TensorData]:
        def zipped(a: TensorData, b: TensorData) -> TensorData:
            shape = shape_broadcast(a.shape, b.shape, fn.__name__)
            pairs = zip(
                a.broadcast_to(shape).elements(),
                b.broadcast_to(shape).elements(),
                strict=True,
            )
            return _pack([fn(x, y) for x, y in pairs], shape)

        return zipped

    def reduce(
        self, fn: Binary, start: float
    ) -> Callable[[TensorData, int], TensorData]:
        def reduced(a: TensorData, dim: int) -> TensorData:
            dim = check_dim(dim, a.ndim, fn.__name__)
            size = a.shape[dim]
            others = [axis for axis in range(a.ndim) if axis != dim]
            # The folded axis runs fastest.
            values = a.permute([*others, dim]).elements()
            shape = (*a.shape[:dim], 1, *a.shape[dim + 1 :])
            if size == 0:
                return _pack([start] * math.prod(shape), shape)
            runs = (values[i : i + size] for i in range(0, len(values), size))
            return _pack([functools.reduce(fn, run, start) for run in runs], shape)

        return reduced

    def multiply(self, a: TensorData, b: TensorData) -> TensorData:
        batch, rows, inner = a.shape
        columns = b.shape[2]
        left, right = a.elements(), b.permute((0, 2, 1)).elements()
        out = []
        for n in range(batch):
            for i in range(n * rows, (n + 1) * rows):
                row = left[i * inner : (i + 1) * inner]
                for j in range(n * columns, (n + 1) * columns):
                    column = right[j * inner : (j + 1) * inner]
                    total = 0.0
                    for x, y in zip(row, column, strict=True):
                        total += x * y
                    out.append(total)
        return _pack(out, (batch, rows, columns))

    def convolve(
        self, x: TensorData, weight: TensorData, size: Shape, reverse: bool
    ) -> TensorData:
        batch, _, height, width = x.shape
        sign = -1 if reverse else 1
        values = dict(zip(x.indices(), x.elements(), strict=True))
        kernel = dict(zip(weight.indices(), weight.elements(), strict=True))
        shape = (batch, weight.shape[0], *size)
        out = dict.fromkeys(TensorData([0.0], shape, [0] * 4).indices(), 0.0)
        for n, o, i, j in out:
            for (to, c, u, v), w in kernel.items():
                y, z = i + sign * u, j + sign * v
                if to == o and 0 <= y < height and 0 <= z < width:
                    out[n, o, i, j] += values[n, c, y, z] * w
        return _pack(list(out.values()), shape)


def _pack(values: list[float], shape: Shape) -> TensorData:
    return TensorData(np.array(values, dtype=np.float64), shape)
