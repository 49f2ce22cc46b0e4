# pattern: utils/contracts.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/contracts.py --from <sub-project>
"""Shapes in signatures, checked when the function is called."""

import functools
from collections.abc import Callable

import torch
from beartype import beartype
from jaxtyping import jaxtyped

REGISTRY: dict[str, Callable] = {}


def contract(fn: Callable) -> Callable:
    """Check the tensor annotations of `fn` at each call; every contracted function is listed."""
    checked = jaxtyped(fn, typechecker=beartype)

    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        if torch.compiler.is_compiling():
            return fn(*args, **kwargs)
        return checked(*args, **kwargs)

    REGISTRY[f"{fn.__module__.split('.', 1)[-1]}.{fn.__qualname__}"] = wrapper
    return wrapper
