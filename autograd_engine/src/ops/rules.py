"""An elementwise operation as data: numpy's formula and one rule for each input.

    exp = unary("exp", np.exp, lambda g, out: g * out)
    mul = binary("mul", np.multiply, lambda g, y: g * y, lambda g, x: g * x)
    sin = unary("sin", np.sin, lambda g, x, m: g * m.cos(x))

The names of the arguments of a rule say what it needs, and so what is kept for the
backward pass: `g` the gradient of the result, `x`, `y` and `z` the inputs, `out` the
result, `m` the functions of this page by name. A rule is read twice: in an ordinary
backward pass all of these are arrays, and `m.cos` is numpy's; where the gradient will
be differentiated again they are tensors, and `m.cos` is the operation. A rule may
answer in the broadcast shape: the engine sums the broadcast axes away, once.
"""

import inspect
from collections.abc import Callable
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import (
    get_default_dtype,
    promote_types,
    scalar_dtype,
    weak_promote,
)
from ..engine.function import Function
from ..engine.grad_mode import is_grad_enabled
from ..engine.tensor import Tensor, make


ARRAYS = SimpleNamespace(zeros_like=np.zeros_like, where=np.where)
TENSORS = SimpleNamespace(zeros_like=lambda x: make(np.zeros_like(x.data), False, None))

# PyTorch gives inf and NaN without a word; so does a formula under this decorator.
quiet = np.errstate(all="ignore")


def elementwise(name: str, value: Callable, rules: tuple[Callable, ...]) -> type:
    """The Function of an elementwise operation."""
    inputs = "xyz"[: len(rules)]
    uses = [tuple(inspect.signature(rule).parameters) for rule in rules]
    value = quiet(value)
    plans = {
        needs: _plan(needs, uses, inputs)
        for needs in product((False, True), repeat=len(rules))
    }

    class Elementwise(Function):
        @staticmethod
        def forward(ctx: Function, *inputs: Tensor) -> np.ndarray:
            try:
                out = value(*[tensor.data for tensor in inputs])
            except ValueError:
                raise RuntimeError(cannot_broadcast(name, inputs)) from None
            plan = plans[ctx.needs_input_grad]
            if plan:
                out = whole(out)
                known = (*inputs, out)
                ctx.save_for_backward(*[known[i] for i, _ in plan])
            return out

        @staticmethod
        @quiet
        def backward(ctx: Function, grad: Tensor) -> tuple:
            again = is_grad_enabled()
            g, m = (grad, TENSORS) if again else (grad.data, ARRAYS)
            known = {"g": g, "m": m}
            plan = plans[ctx.needs_input_grad]
            for (_, key), kept in zip(plan, ctx.saved_tensors, strict=True):
                known[key] = kept if again else kept.data
            results = []
            for rule, use, need in zip(rules, uses, ctx.needs_input_grad, strict=True):
                result = rule(*[known[n] for n in use]) if need else None
                results.append(grad if result is g else whole(result))
            return tuple(results)

    Elementwise.__name__ = Elementwise.__qualname__ = name
    setattr(ARRAYS, name, value)
    return Elementwise


def _plan(needs: tuple[bool, ...], uses: list, inputs: str) -> list[tuple[int, str]]:
    """What to keep if `needs` says which inputs want gradients: place and name."""
    wanted = {n for need, use in zip(needs, uses, strict=True) if need for n in use}
    return [(i, n) for i, n in enumerate([*inputs, "out"]) if n in wanted]


def unary(
    name: str, value: Callable, rule: Callable, kinds: str | None = None
) -> Callable:
    """A function of one tensor.

    `kinds` are the dtypes that stay as they are ("biuf": bool, integers, floats), all
    others are refused; without it integers become floats first.
    """
    function = elementwise(name, value, (rule,))

    def call(x: Tensor) -> Tensor:
        if not isinstance(x, Tensor):
            raise TypeError(f"{name} wants a tensor, not {type(x).__name__}")
        if x.data.dtype.kind != "f":
            (x,) = fitting(name, kinds, x)
        return function.apply(x)

    return named(call, name)


def binary(
    name: str,
    value: Callable,
    x_rule: Callable,
    y_rule: Callable,
    kinds: str | None = "biuf",
) -> Callable:
    """A function of two tensors or numbers, broadcast and brought to one dtype."""
    function = elementwise(name, value, (x_rule, y_rule))

    def call(x: Tensor | float, y: Tensor | float) -> Tensor:
        x, y = match(x, y)
        if x.data.dtype.kind != "f":
            x, y = fitting(name, kinds, x, y)
        return function.apply(x, y)

    return named(call, name)


def fitting(name: str, kinds: str | None, *tensors: Tensor) -> list[Tensor]:
    """Tensors of one dtype, which is as `kinds` of `unary` says."""
    if kinds is None:
        return [x.to(get_default_dtype()) for x in tensors]
    if tensors[0].data.dtype.kind not in kinds:
        raise NotImplementedError(
            f"{name} is not defined for tensors of dtype {tensors[0].dtype}"
        )
    return list(tensors)


def flat(g: Any, m: Any) -> Any:
    """The derivative of a step function."""
    return m.zeros_like(g)


def named(call: Callable, name: str) -> Callable:
    """`call` under its public name, and known to rules by it."""
    call.__name__ = call.__qualname__ = name
    setattr(TENSORS, name, call)
    return call


def match(*values: Any) -> tuple[Tensor, ...]:
    """All as tensors of the dtype that PyTorch computes in (torch.result_type)."""
    if len(values) == 2:
        x, y = values
        if isinstance(x, Tensor) and isinstance(y, Tensor):
            if x.data.dtype is y.data.dtype:
                return x, y
        elif type(y) in (int, float) and isinstance(x, Tensor):
            if x.data.dtype.kind == "f":  # the frequent case: a number of any kind
                return x, make(_beside(y, x.data), False, None)
    values = tuple(
        Tensor(v) if getattr(v, "shape", ()) != () and not isinstance(v, Tensor) else v
        for v in values
    )
    tensors = [v for v in values if isinstance(v, Tensor)]
    if not tensors:
        kinds = " and ".join(type(v).__name__ for v in values)
        raise TypeError(f"one operand must be a tensor, not {kinds}")
    dtype = result_type(*values)
    first = tensors[0].to(dtype).data
    return tuple(
        v.to(dtype) if isinstance(v, Tensor) else make(_beside(v, first), False, None)
        for v in values
    )


def result_type(*values: Any) -> np.dtype:
    """The dtype of the result: tensors with axes decide, then 0-d ones, then numbers.

    A later group only counts if it is of a higher category (bool < integer < float).
    """
    found: list[np.dtype | None] = [None, None, None]
    for v in values:
        if isinstance(v, Tensor):
            group, dtype = (0 if v.data.ndim else 1), v.data.dtype
        elif isinstance(v, (bool, int, float, np.generic, np.ndarray)):
            group, dtype = 2, scalar_dtype(v[()] if isinstance(v, np.ndarray) else v)
        else:
            raise TypeError(
                f"a tensor and {type(v).__name__} do not go together: "
                "pass a number, an array or a tensor"
            )
        held = found[group]
        found[group] = dtype if held is None else promote_types(held, dtype)
    result = None
    for dtype in found:
        if dtype is not None:
            result = dtype if result is None else weak_promote(result, dtype)
    return result


def _beside(value: float, beside: Any) -> Any:
    """A number as a 0-d array of the dtype of `beside`, where `beside` lives."""
    xp = array_module(beside)
    try:
        if -60000 < value < 60000:
            return xp.asarray(value, beside.dtype)
        with np.errstate(over="ignore"):
            return xp.asarray(value, beside.dtype)
    except OverflowError:
        raise RuntimeError(f"{value} does not fit into {beside.dtype}") from None


def whole(value: Any) -> Any:
    """A numpy scalar, which 0-d arithmetic gives, as the array that it stands for."""
    return np.asarray(value) if isinstance(value, np.generic) else value


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
