"""A tensor in memory: flat storage, and shape, strides and offset that read it.

The element at index (i, j, ...) lies at position offset + i * strides[0] + j *
strides[1] + ... Permuting, slicing and broadcasting change only these three and share
the storage. A shape is always a tuple of ints.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .indexing import (
    Shape,
    check_dim,
    index_to_position,
    select,
    shape_broadcast,
    strides_of,
)


class TensorData:
    """Storage with the numbers to read it; the backends compute on this.

    `storage` is a flat float64 array, or the same on a GPU. ValueError if shape,
    strides and offset lead outside it: the compiled kernels do not look again.
    """

    __slots__ = ("storage", "shape", "strides", "offset", "size")

    def __init__(
        self,
        storage: Any,
        shape: Sequence[int],
        strides: Sequence[int] | None = None,
        offset: int = 0,
    ) -> None:
        if not hasattr(storage, "shape"):
            storage = np.array(storage, dtype=np.float64)
        self.storage = storage
        self.shape: Shape = tuple(shape)
        self.strides: Shape = (
            strides_of(self.shape) if strides is None else tuple(strides)
        )
        self.offset = offset
        self.size = math.prod(self.shape)
        self._check()

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def is_contiguous(self) -> bool:
        """Whether the elements lie in row-major order without gaps."""
        step = 1
        for size, stride in zip(
            reversed(self.shape), reversed(self.strides), strict=True
        ):
            if size != 1 and stride != step:
                return self.size == 0
            step *= size
        return True

    def indices(self) -> Iterator[Shape]:
        """Every index, the last axis fastest."""
        return itertools.product(*map(range, self.shape))

    def positions(self) -> list[int]:
        """Where each element lies in storage, in the order of `indices`."""
        found = [self.offset]
        for size, stride in zip(self.shape, self.strides, strict=True):
            steps = range(0, size * stride, stride) if stride else [0] * size
            found = [start + step for start in found for step in steps]
        return found

    def elements(self) -> list[float]:
        """The values in the order of `indices`."""
        item = self.storage.item
        return [item(position) for position in self.positions()]

    def get(self, index: Sequence[int]) -> float:
        """The value at an index of one non-negative int an axis."""
        steps = np.array(index, dtype=np.int64)
        inside = len(index) == self.ndim and all(
            0 <= i < n for i, n in zip(index, self.shape, strict=True)
        )
        if not inside:
            raise IndexError(f"get: index {tuple(index)} is outside shape {self.shape}")
        place = index_to_position(steps, np.array(self.strides, dtype=np.int64))
        return float(self.storage[self.offset + place])

    def flat(self) -> Any:
        """The elements of a contiguous tensor as a slice of its storage."""
        return self.storage[self.offset : self.offset + self.size]

    def permute(self, order: Sequence[int]) -> "TensorData":
        """The axes in another order; axis i of the result is axis order[i] of this."""
        axes = [check_dim(dim, self.ndim, "permute") for dim in order]
        if sorted(axes) != list(range(self.ndim)):
            raise RuntimeError(
                f"permute: order {tuple(order)} must name each of the {self.ndim} axes "
                f"of shape {self.shape} once"
            )
        shape = [self.shape[axis] for axis in axes]
        strides = [self.strides[axis] for axis in axes]
        return TensorData(self.storage, shape, strides, self.offset)

    def broadcast_to(self, shape: Shape, op: str = "expand") -> "TensorData":
        """The same elements read as `shape`: a repeated axis has stride 0."""
        if shape == self.shape:
            return self
        if shape_broadcast(self.shape, shape, op) != tuple(shape):
            raise RuntimeError(f"{op}: shape {self.shape} does not expand to {shape}")
        new = len(shape) - self.ndim
        strides = [
            0 if size == 1 else stride
            for size, stride in zip(self.shape, self.strides, strict=True)
        ]
        return TensorData(self.storage, shape, [0] * new + strides, self.offset)

    def view(self, shape: Sequence[int]) -> "TensorData":
        """The same elements in order under another shape; one size may be -1."""
        wanted = _complete(tuple(shape), self)
        if not self.is_contiguous():
            raise RuntimeError(
                f"view: a tensor of shape {self.shape} and strides {self.strides} is "
                f"not contiguous, so {wanted} has no strides; call .contiguous() first"
            )
        return TensorData(self.storage, wanted, None, self.offset)

    def select(self, index: Any) -> "TensorData":
        """The part that ints, slices, `...` and None pick, as in numpy."""
        return TensorData(
            self.storage, *select(index, self.shape, self.strides, self.offset)
        )

    def _check(self) -> None:
        if len(self.strides) != len(self.shape) or min(self.shape, default=0) < 0:
            raise ValueError(
                f"shape {self.shape} needs sizes from 0 up and one stride an axis, "
                f"not strides {self.strides}"
            )
        if len(self.storage.shape) != 1 or self.storage.dtype != np.float64:
            raise TypeError(
                f"storage is {self.storage.dtype}{list(self.storage.shape)}, "
                "it must be float64 with one axis"
            )
        if self.size == 0:
            return
        low = high = self.offset
        for size, stride in zip(self.shape, self.strides, strict=True):
            if stride < 0:
                low += (size - 1) * stride
            else:
                high += (size - 1) * stride
        if low < 0 or high >= self.storage.shape[0]:
            raise ValueError(
                f"shape {self.shape}, strides {self.strides} and offset {self.offset} "
                f"reach the positions {low} to {high} of a storage of "
                f"{self.storage.shape[0]} elements"
            )


def _complete(shape: Shape, data: TensorData) -> Shape:
    """The shape with -1 replaced by what is left over."""
    known = math.prod(size for size in shape if size != -1)
    if shape.count(-1) == 1 and known > 0 and data.size % known == 0:
        shape = tuple(data.size // known if size == -1 else size for size in shape)
    if min(shape, default=0) < 0 or math.prod(shape) != data.size:
        raise RuntimeError(
            f"view: shape {data.shape} has {data.size} elements and cannot be read as "
            f"{shape}; one size may be -1 if the others divide them"
        )
    return shape
