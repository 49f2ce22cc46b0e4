"""One of several values, element by element: where, clamp, maximum, nan_to_num ..."""

import numpy as np

from ..engine.function import Function
from ..engine.tensor import Tensor, make
from .rules import (
    binary,
    cannot_broadcast,
    elementwise,
    fitting,
    flat,
    match,
    named,
)


class Where(Function):
    """Each gradient is masked by whose value was taken."""

    @staticmethod
    def forward(ctx: Function, condition: Tensor, x: Tensor, y: Tensor) -> np.ndarray:
        ctx.save_for_backward(condition)
        try:
            return np.where(condition.data, x.data, y.data)
        except ValueError:
            raise RuntimeError(cannot_broadcast("where", (condition, x, y))) from None

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (condition,) = ctx.saved_tensors
        _, to_x, to_y = ctx.needs_input_grad
        return (
            None,
            where(condition, grad, 0) if to_x else None,
            where(condition, 0, grad) if to_y else None,
        )


def _where(condition: Tensor, x: Tensor | float, y: Tensor | float) -> Tensor:
    """`x` where `condition` holds, elsewhere `y`; either may be a number."""
    if not isinstance(condition, Tensor) or condition.data.dtype.kind != "b":
        kind = getattr(condition, "dtype", type(condition).__name__)
        raise RuntimeError(f"where wants a condition of dtype bool, not {kind}")
    if isinstance(x, Tensor) or isinstance(y, Tensor):
        return Where.apply(condition, *match(x, y))
    both = (Tensor(x), Tensor(y))
    return Where.apply(condition, *match(*both))


where = named(_where, "where")

# Equal elements share the gradient; NaN, unequal to all, hands it on to both.
maximum = binary(
    "maximum",
    np.maximum,
    lambda g, x, y, m: m.where(x == y, g / 2, m.where(x < y, 0, g)),
    lambda g, x, y, m: m.where(x == y, g / 2, m.where(x > y, 0, g)),
)
minimum = binary(
    "minimum",
    np.minimum,
    lambda g, x, y, m: m.where(x == y, g / 2, m.where(x > y, 0, g)),
    lambda g, x, y, m: m.where(x == y, g / 2, m.where(x < y, 0, g)),
)
fmax = binary(
    "fmax",
    np.fmax,
    lambda g, x, y, m: m.where((x >= y) | (y != y), g, 0),
    lambda g, x, y, m: m.where((x >= y) | (y != y), 0, g),
)
fmin = binary(
    "fmin",
    np.fmin,
    lambda g, x, y, m: m.where((x <= y) | (y != y), g, 0),
    lambda g, x, y, m: m.where((x <= y) | (y != y), 0, g),
)
_at_least = elementwise(
    "clamp",
    np.maximum,
    (
        lambda g, x, y, m: m.where(x >= y, g, 0),
        lambda g, x, y, m: m.where(x < y, g, 0),
    ),
)
_at_most = elementwise(
    "clamp",
    np.minimum,
    (
        lambda g, x, y, m: m.where(x <= y, g, 0),
        lambda g, x, y, m: m.where(x > y, g, 0),
    ),
)
_between = elementwise(
    "clamp",
    lambda x, y, z: np.minimum(np.maximum(x, y), z),
    (
        lambda g, x, y, z, m: m.where((x >= y) & (x <= z), g, 0),
        lambda g, x, y, z, m: m.where((y < z) & (x < y), g, 0),
        lambda g, x, y, z, m: m.where((x > z) | (z < y), g, 0),
    ),
)
copysign = binary(
    "copysign",
    np.copysign,
    lambda g, x, out, m: m.where(x == 0, 0, g * (m.sign(x) * m.sign(out))),
    flat,
    kinds=None,
)
heaviside = binary(
    "heaviside",
    lambda x, y: np.where(x == 0, y, x > 0).astype(x.dtype),
    flat,
    flat,
)
_lerp = elementwise(
    "lerp",
    lambda x, y, z: np.where(np.abs(z) < 0.5, x + z * (y - x), y - (y - x) * (1 - z)),
    (
        lambda g, z: g * (1 - z),
        lambda g, z: g * z,
        lambda g, x, y: g * (y - x),
    ),
)


def clamp(
    x: Tensor, min: Tensor | float | None = None, max: Tensor | float | None = None
) -> Tensor:
    """`x` held between `min` and `max`, of which one may be missing.

    The gradient of what was held goes to the bound; where min > max all is `max`.
    """
    if min is None and max is None:
        raise RuntimeError("clamp: one of min and max must be given")
    if max is None:
        return _at_least.apply(*match(x, min))
    if min is None:
        return _at_most.apply(*match(x, max))
    return _between.apply(*match(x, min, max))


def clamp_min(x: Tensor, min: Tensor | float) -> Tensor:
    """`clamp` from below."""
    return clamp(x, min=min)


def clamp_max(x: Tensor, max: Tensor | float) -> Tensor:
    """`clamp` from above."""
    return clamp(x, max=max)


def lerp(x: Tensor, end: Tensor, weight: Tensor | float) -> Tensor:
    """x + weight (end - x), exact at both ends."""
    dtypes = {v.dtype for v in (x, end, weight) if isinstance(v, Tensor)}
    if len(dtypes) > 1:
        raise RuntimeError(f"lerp: dtypes {x.dtype} and {end.dtype} differ")
    fitting("lerp", "f", x)
    return _lerp.apply(*match(x, end, weight))


def nan_to_num(
    x: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    """`nan` (0) for NaN, the given or the largest finite numbers for infinities."""
    if x.dtype.kind != "f":
        return x.clone()
    limits = np.finfo(x.dtype)
    array = x.data
    out = where(make(np.isnan(array), False, None), 0.0 if nan is None else nan, x)
    high = limits.max if posinf is None else posinf
    out = where(make(array == np.inf, False, None), float(high), out)
    low = limits.min if neginf is None else neginf
    return where(make(array == -np.inf, False, None), float(low), out)


clip = clamp
