"""Other shapes of the same values: views where numpy can, copies where it must."""

import numpy as np

from ..engine.function import Function
from ..engine.tensor import Tensor
from ..engine.views import as_view


class Reshape(Function):
    @staticmethod
    def forward(ctx: Function, x: Tensor, shape: tuple[int, ...]) -> np.ndarray:
        ctx.shape = x.shape
        try:
            return x.data.reshape(shape)
        except ValueError:
            raise RuntimeError(
                f"reshape: {x.numel()} elements of shape {x.shape} "
                f"do not fill {tuple(shape)}"
            ) from None

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return grad.reshape(ctx.shape), None


class Expand(Function):
    @staticmethod
    def forward(ctx: Function, x: Tensor, shape: tuple[int, ...]) -> np.ndarray:
        try:
            return np.broadcast_to(x.data, shape)
        except ValueError:
            raise RuntimeError(
                f"expand: shape {x.shape} does not broadcast to {tuple(shape)}"
            ) from None

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return grad, None


def reshape(x: Tensor, *shape: int) -> Tensor:
    """The values in another shape; one size may be -1. A view where memory allows."""
    out = Reshape.apply(x, _sizes(shape))
    return as_view(out, x) if np.may_share_memory(out.data, x.data) else out


def expand(x: Tensor, *shape: int) -> Tensor:
    """Axes of size 1 repeated without a copy; -1 keeps a size."""
    shape = _sizes(shape)
    extra = len(shape) - x.ndim
    wanted = tuple(
        x.shape[i - extra] if size == -1 and i >= extra else size
        for i, size in enumerate(shape)
    )
    return as_view(Expand.apply(x, wanted), x)


def _sizes(shape: tuple) -> tuple[int, ...]:
    """`x.reshape(2, 3)` and `x.reshape((2, 3))` are the same."""
    if len(shape) == 1 and not isinstance(shape[0], int):
        shape = tuple(shape[0])
    return tuple(int(size) for size in shape)
