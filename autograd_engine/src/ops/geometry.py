"""What convolution, pooling and resizing share: sizes from arguments, batches."""

from collections.abc import Callable
from typing import Any

from jaxtyping import Float

from ..engine.dtypes import float16, float32
from ..engine.tensor import Tensor


Sizes = int | tuple[int, ...] | list[int]
Signal = Float[Tensor, "*batch channel length"]
Image = Float[Tensor, "*batch channel height width"]


def per_axis(name: str, option: str, value: Any, axes: int, least: int = 1) -> tuple:
    """One number for each spatial axis, from one number or a tuple of them."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    values = values * axes if len(values) == 1 else values
    if len(values) != axes:
        raise RuntimeError(
            f"{name}: {option}={value!r} has {len(values)} numbers for {axes} "
            "spatial axes; give one number, or one for each axis"
        )
    for v in values:
        if not hasattr(v, "__index__") or isinstance(v, bool):
            raise TypeError(f"{name}: {option}={value!r} is not made of integers")
        if v < least:
            raise RuntimeError(f"{name}: {option}={value!r} is below {least}")
    return tuple(v.__index__() for v in values)


def with_batch(name: str, x: Tensor, axes: int, call: Callable) -> Any:
    """`call` of x with a batch axis, which is added and taken away where it is missing.

    float16 is computed in float32: products of 16 bits would lose the sums.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}: the input is a tensor, not {type(x).__name__}")
    if x.ndim not in (axes + 1, axes + 2):
        raise RuntimeError(
            f"{name}: an input of {axes + 2} axes (batch, channel, {axes} spatial) or "
            f"{axes + 1} (without batch) is wanted, this one has shape {x.shape}"
        )
    half = x.dtype == float16
    batched = x.to(float32) if half else x
    if x.ndim == axes + 1:
        batched = batched.reshape(1, *x.shape)
    out = call(batched)
    results = out if isinstance(out, tuple) else (out,)
    if x.ndim == axes + 1:
        results = tuple(r.reshape(*r.shape[1:]) for r in results)
    if half:
        results = tuple(r.to(float16) if r.dtype == float32 else r for r in results)
    return results if isinstance(out, tuple) else results[0]
