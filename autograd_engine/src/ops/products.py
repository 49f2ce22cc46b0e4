"""The vector product."""

from ..engine.tensor import Tensor
from .reductions import normalize_dim
from .repeating import roll
from .rules import fitting, match


def cross(x: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product over an axis of 3 (None: the first one); others broadcast."""
    x, y = fitting("cross", "iuf", *match(x, other))
    if dim is None:
        dim = x.shape.index(3) if 3 in x.shape else -1
    axis = normalize_dim("cross", dim, x.ndim)
    if x.ndim != y.ndim or x.ndim == 0 or x.shape[axis] != 3 or y.shape[axis] != 3:
        raise RuntimeError(
            f"cross: shapes {x.shape} and {y.shape}: as many axes are wanted, and one "
            "of size 3 in both"
        )

    def turned(z: Tensor, by: int) -> Tensor:
        return roll(z, -by, axis)

    return turned(x, 1) * turned(y, 2) - turned(x, 2) * turned(y, 1)
