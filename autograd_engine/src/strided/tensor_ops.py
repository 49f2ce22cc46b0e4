"""What a backend is: three higher-order functions, matmul and convolution.

Every operation is a rule on numbers (`operators.py`) handed to `map`, `zip` or
`reduce`: `ops.zip(operators.add)` is a function that adds two tensors. Backends differ
only in how they run the loops.
"""

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from .indexing import Shape, shape_broadcast
from .operators import identity
from .tensor_data import TensorData


Unary = Callable[[float], float]
Binary = Callable[[float, float], float]
BACKENDS = {"simple": "SimpleOps", "fast": "FastOps", "cuda": "CudaOps"}


@functools.cache
def get_backend(name: str) -> "TensorOps":
    """The backend of that name: simple (plain Python), fast (numba) or cuda.

    ValueError for another name; ImportError or RuntimeError, with what to do, if numba
    or a GPU is missing.
    """
    if name not in BACKENDS:
        raise ValueError(f"backend {name!r} is none of {', '.join(BACKENDS)}")
    module = import_module(f".{name}_ops", __package__)
    return getattr(module, BACKENDS[name])()


class TensorOps(ABC):
    """The loops of one backend; results are new contiguous tensors."""

    name: str

    @abstractmethod
    def map(self, fn: Unary) -> Callable[[TensorData], TensorData]:
        """A function that applies `fn` to every element."""

    @abstractmethod
    def zip(self, fn: Binary) -> Callable[[TensorData, TensorData], TensorData]:
        """A function that joins two tensors element by element, after broadcasting."""

    @abstractmethod
    def reduce(
        self, fn: Binary, start: float
    ) -> Callable[[TensorData, int], TensorData]:
        """A function (tensor, dim) that folds the axis `dim` to size 1.

        `fn` must be associative and commutative, and `start` change nothing.
        """

    @abstractmethod
    def multiply(self, a: TensorData, b: TensorData) -> TensorData:
        """Matrix product of (batch, rows, inner) and (batch, inner, columns)."""

    @abstractmethod
    def convolve(
        self, x: TensorData, weight: TensorData, size: Shape, reverse: bool
    ) -> TensorData:
        """Out (batch, out_channels, *size) of x (batch, channels, height, width).

        out[b, o, i, j] is the sum over c, u, v of x[b, c, i+u, j+v] weight[o, c, u, v],
        or of x[b, c, i-u, j-v] with `reverse`; x is zero outside.
        """

    def place(self, values: np.ndarray) -> Any:
        """A storage with these values, where this backend computes."""
        return values

    def fetch(self, storage: Any) -> np.ndarray:
        """The values of a storage as a numpy array."""
        return storage

    def contiguous(self, a: TensorData) -> TensorData:
        """The same elements in row-major order, copied only if they are not."""
        return a if a.is_contiguous() else self.map(identity)(a)

    def matrix_multiply(self, a: TensorData, b: TensorData) -> TensorData:
        """Matrix product over the last two axes; the axes before them broadcast."""
        if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-2]:
            raise RuntimeError(
                f"matmul: shapes {a.shape} and {b.shape} do not multiply: the last "
                "axis of the first must equal the last but one of the second"
            )
        batch = shape_broadcast(a.shape[:-2], b.shape[:-2], "matmul (batch axes)")
        out = self.multiply(self._stack(a, batch), self._stack(b, batch))
        return out.view((*batch, a.shape[-2], b.shape[-1]))

    def _stack(self, a: TensorData, batch: Shape) -> TensorData:
        """The matrices along one batch axis; one matrix is repeated by stride 0."""
        count, matrix = math.prod(batch), a.shape[-2:]
        if a.size == math.prod(matrix):
            strides = (0, *a.strides[-2:])
            return TensorData(a.storage, (count, *matrix), strides, a.offset)
        if len(batch) == 1:
            return a
        whole = self.contiguous(a.broadcast_to((*batch, *matrix)))
        return whole.view((count, *matrix))
