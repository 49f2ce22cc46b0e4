"""Operations that write to their first argument: add_, mul_, zero_, copy_ ..."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..engine.views import become, is_recorded, refuse_write
from . import elementwise


def in_place(operation: Callable) -> Callable:
    """The variant of `operation` that writes its result to its first argument."""
    name = f"{operation.__name__}_"

    def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        others = [*args, *kwargs.values()]
        if any(is_recorded(x, other) for other in others or [None]):
            refuse_write(x, name)
        return become(x, operation(x, *args, **kwargs), name)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`{operation.__name__}`, written to the tensor itself."
    return call


add_ = in_place(elementwise.add)
sub_ = in_place(elementwise.sub)
mul_ = in_place(elementwise.mul)
div_ = in_place(elementwise.div)


def fill_(x: Tensor, value: float) -> Tensor:
    """Every element becomes `value`."""
    return copy_(x, Tensor(value, dtype=x.dtype))


def zero_(x: Tensor) -> Tensor:
    """Every element becomes 0."""
    return fill_(x, 0)


def copy_(x: Tensor, source: Tensor) -> Tensor:
    """The values of `source`, broadcast and cast to the dtype of `x`."""
    if is_recorded(x, source):
        refuse_write(x, "copy_")
        return become(x, source.to(x.dtype).expand(x.shape), "copy_")
    np.copyto(x.data, source.data, casting="unsafe")
    x.mark_written("copy_")
    return x
