"""Operations that write to their first argument: add_, mul_, zero_, copy_ ..."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.tensor import Tensor, make
from ..engine.views import become, is_recorded, refuse_write
from . import calculus, choices, elementwise, matmul, power, rounding, special
from .places import Place, Write
from .randomness import bernoulli, rand_like, randn_like


def in_place(operation: Callable) -> Callable:
    """The variant of `operation` that writes its result to its first argument."""
    name = f"{operation.__name__}_"

    def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        others = [*args, *kwargs.values()]
        old = x
        if any(is_recorded(x, other) for other in others or [None]):
            refuse_write(x, name)
            # The backward pass may need what is overwritten here.
            old = make(x.data.copy(), x.requires_grad, x.grad_fn)
            old.output_nr = x.output_nr
            args = tuple(old if arg is x else arg for arg in args)
        return become(x, operation(old, *args, **kwargs), name)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`{operation.__name__}`, written to the tensor itself."
    return call


def table(module: Any, names: str) -> dict[str, Callable]:
    """The variants of the operations of a module."""
    return {f"{name}_": in_place(getattr(module, name)) for name in names.split()}


VARIANTS = (
    table(elementwise, "add sub mul div floor_divide remainder fmod neg abs")
    | table(elementwise, "addcmul addcdiv")
    | table(power, "pow square sqrt rsqrt reciprocal hypot")
    | table(rounding, "sign floor ceil round trunc frac")
    | table(calculus, "exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan")
    | table(calculus, "atan2 sinh cosh tanh asinh acosh atanh sigmoid logit xlogy")
    | table(special, "erf erfc erfinv")
    | table(choices, "clamp clamp_min clamp_max lerp nan_to_num copysign")
    | table(matmul, "addmm addmv addr baddbmm addbmm")
)
add_, sub_, mul_, div_ = (VARIANTS[n] for n in ("add_", "sub_", "mul_", "div_"))
floor_divide_, remainder_ = VARIANTS["floor_divide_"], VARIANTS["remainder_"]
pow_ = VARIANTS["pow_"]


def fill_(x: Tensor, value: float) -> Tensor:
    """Every element becomes `value`."""
    return copy_(x, Tensor(value, dtype=x.dtype))


def zero_(x: Tensor) -> Tensor:
    """Every element becomes 0."""
    return fill_(x, 0)


def copy_(x: Tensor, source: Tensor) -> Tensor:
    """The values of `source`, broadcast; in the dtype and on the device of `x`."""
    source = source if source.device == x.device else source.to(x.device)
    if is_recorded(x, source):
        refuse_write(x, "copy_")
        source = source.to(x.dtype).expand(x.shape)
        return become(x, Write.apply(x, source, Place()), "copy_")
    np.copyto(x.data, source.data, casting="unsafe")
    x.mark_written("copy_")
    return x


def normal_(x: Tensor, mean: float = 0, std: float = 1) -> Tensor:
    """Every element becomes a normal random number."""
    return copy_(x, randn_like(x) * std + mean)


def uniform_(x: Tensor, low: float = 0, high: float = 1) -> Tensor:
    """Every element becomes a random number between `low` and `high`."""
    return copy_(x, rand_like(x) * (high - low) + low)


def bernoulli_(x: Tensor, p: float = 0.5) -> Tensor:
    """Every element becomes 1 with probability `p`, else 0."""
    return copy_(x, bernoulli(x.detach(), p))
