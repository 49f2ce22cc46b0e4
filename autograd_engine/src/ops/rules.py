"""An elementwise operation as data: numpy's formula and one rule for each input.

    exp = unary("exp", np.exp, lambda g, out: g * out)
    mul = binary("mul", np.multiply, lambda g, y: g * y, lambda g, x: g * x)

The names of the arguments of a rule say what it needs, and so what is kept for the
backward pass: `g` the gradient of the result, `x` and `y` the inputs, `out` the result.
Rules are written with tensor operations, so that they can be differentiated again. They
may answer in the broadcast shape: the engine sums the broadcast axes away, once.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.arrays import as_array
from ..engine.dtypes import (
    get_default_dtype,
    is_floating,
    promote_types,
    scalar_dtype,
    weak_promote,
)
from ..engine.function import Function
from ..engine.tensor import Tensor, make


def elementwise(name: str, value: Callable, rules: tuple[Callable, ...]) -> type:
    """The Function of an elementwise operation."""
    uses = [tuple(inspect.signature(rule).parameters) for rule in rules]

    class Elementwise(Function):
        @staticmethod
        def forward(ctx: Function, *inputs: Tensor) -> np.ndarray:
            try:
                out = value(*[tensor.data for tensor in inputs])
            except ValueError:
                raise RuntimeError(cannot_broadcast(name, inputs)) from None
            needs = ctx.needs_input_grad
            wanted = {
                n for need, use in zip(needs, uses, strict=True) if need for n in use
            }
            if wanted:
                out = np.asarray(out) if isinstance(out, np.generic) else out
                known = {"x": inputs[0], "y": inputs[-1], "out": out}
                ctx.names = [n for n in known if n in wanted]
                ctx.save_for_backward(*[known[n] for n in ctx.names])
            return out

        @staticmethod
        def backward(ctx: Function, grad: Tensor) -> tuple[Tensor | None, ...]:
            known = dict(zip(ctx.names, ctx.saved_tensors, strict=True))
            known["g"] = grad
            return tuple(
                rule(*[known[n] for n in use]) if need else None
                for rule, use, need in zip(
                    rules, uses, ctx.needs_input_grad, strict=True
                )
            )

    Elementwise.__name__ = Elementwise.__qualname__ = name
    return Elementwise


def unary(name: str, value: Callable, rule: Callable, ints: bool = False) -> Callable:
    """A function of one tensor. Integers become floats first, unless `ints`."""
    function = elementwise(name, value, (rule,))

    def call(x: Tensor) -> Tensor:
        if not ints and not is_floating(x.data.dtype):
            x = x.to(get_default_dtype())
        return function.apply(x)

    return _named(call, name)


def binary(
    name: str, value: Callable, x_rule: Callable, y_rule: Callable, ints: bool = True
) -> Callable:
    """A function of two tensors or numbers, broadcast and brought to one dtype."""
    function = elementwise(name, value, (x_rule, y_rule))

    def call(x: Tensor | float, y: Tensor | float) -> Tensor:
        x, y = match(x, y)
        if not ints and not is_floating(x.data.dtype):
            x, y = x.to(get_default_dtype()), y.to(get_default_dtype())
        return function.apply(x, y)

    return _named(call, name)


def match(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors of the dtype that PyTorch computes in (torch.result_type)."""
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        a, b = x.data.dtype, y.data.dtype
        if a is b:
            return x, y
        if (x.data.ndim == 0) == (y.data.ndim == 0):
            wanted = promote_types(a, b)
        elif y.data.ndim == 0:
            wanted = weak_promote(a, b)
        else:
            wanted = weak_promote(b, a)
        return x.to(wanted), y.to(wanted)
    if isinstance(x, Tensor):
        return _beside(x, y)
    if isinstance(y, Tensor):
        y, x = _beside(y, x)
        return x, y
    raise TypeError(
        f"one operand must be a tensor, not {type(x).__name__} and {type(y).__name__}"
    )


def _beside(tensor: Tensor, value: Any) -> tuple[Tensor, Tensor]:
    """`tensor`, and a number or array as a constant of the fitting dtype beside it."""
    if hasattr(value, "shape") and value.shape != ():
        return match(tensor, Tensor(value))
    if not isinstance(value, (bool, int, float, np.generic, np.ndarray)):
        raise TypeError(
            f"a tensor and {type(value).__name__} do not go together: "
            "pass a number, an array or a tensor"
        )
    dtype = weak_promote(tensor.data.dtype, scalar_dtype(value))
    return tensor.to(dtype), make(as_array(value, dtype), False, None)


def cannot_broadcast(name: str, tensors: tuple[Tensor, ...]) -> str:
    """The message for shapes that do not go together: which, and at which axis."""
    shapes = [t.shape for t in tensors]
    length = max(len(s) for s in shapes)
    aligned = [(1,) * (length - len(s)) + s for s in shapes]
    for axis, sizes in enumerate(zip(*aligned, strict=True)):
        if len({size for size in sizes if size != 1}) > 1:
            told = " and ".join(str(s) for s in shapes)
            return (
                f"{name}: shapes {told} do not broadcast: counted from the right, axis "
                f"-{length - axis} has sizes {' and '.join(str(s) for s in sizes)}"
            )
    return f"{name}: shapes {' and '.join(str(s) for s in shapes)} do not fit"


def _named(call: Callable, name: str) -> Callable:
    call.__name__ = call.__qualname__ = name
    return call
