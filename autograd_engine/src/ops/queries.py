"""Questions about a tensor that no gradient depends on."""

from typing import Any

import numpy as np

from ..engine.tensor import Tensor


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor of this engine."""
    return isinstance(x, Tensor)


def numel(x: Tensor) -> int:
    """How many elements."""
    return x.data.size


def is_floating_point(x: Tensor) -> bool:
    """Whether the elements are floats."""
    return x.data.dtype.kind == "f"


def is_complex(x: Tensor) -> bool:
    """False: no tensor here is."""
    return False


def is_nonzero(x: Tensor) -> bool:
    """Whether the one element is not 0; RuntimeError for more than one."""
    return bool(x)


def stride(x: Tensor, dim: int | None = None) -> Any:
    """How many elements apart in memory neighbours along each axis (or `dim`) are."""
    steps = tuple(step // x.data.itemsize for step in x.data.strides)
    return steps if dim is None else steps[dim]


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that tensors of these shapes broadcast to."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        told = " and ".join(str(tuple(s)) for s in shapes)
        raise RuntimeError(f"broadcast_shapes: {told} do not broadcast") from None
