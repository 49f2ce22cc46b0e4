"""Steps on a tensor as they are typed: `transpose(0, 1)`, `[1:, ::2]`, `flip(0)`.

Each is done by level 2, which has the strides, and by level 3 (numpy), which says
whether it too shares the memory.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..strided import TensorData, get_backend
from ..strided.indexing import check_dim
from ..utils.errors import InputError


LENGTH, CELLS, AXES = 40, 128, 5
"""Most characters of a step, elements and axes of a result."""

NOTES = {
    "transpose": "Two axes change places, and so do their strides. No number moves.",
    "permute": "The axes take another order, and so do their strides. No number moves.",
    "view": "The same elements in the same order under another shape: new strides.",
    "reshape": "As view where the elements lie in order; otherwise a copy comes first.",
    "expand": "An axis of size 1 is repeated by stride 0: one cell is read many times.",
    "flip": "Read from the last element backwards: a negative stride, another offset. "
    "numpy does so too; PyTorch and level 3 have no negative strides and copy.",
    "unsqueeze": "An axis of size 1 more; its stride is never used.",
    "squeeze": "An axis of size 1 goes, and its stride with it.",
    "contiguous": "The elements in row-major order, copied where they do not lie so.",
    "[]": "Ints and slices move the offset and multiply strides. No number moves.",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was read: its name (`[]`: an index) and what is in its brackets."""

    name: str
    given: tuple


def read_step(text: str) -> Step:
    """The step of a text; InputError says which there are."""
    text, known = text.strip(), ", ".join(name for name in NOTES if name != "[]")
    fault = InputError(
        f"`{text[:LENGTH]}` is no step; write an index such as [1:, ::2], or one of "
        f"{known} with whole numbers in brackets: transpose(0, 1)"
    )
    inner = text.removeprefix("x").removeprefix(".")
    try:
        if len(text) > LENGTH:
            raise ValueError
        tree = ast.parse(f"x{'' if inner.startswith('[') else '.'}{inner}", mode="eval")
        match tree.body:
            case ast.Subscript(value=ast.Name(), slice=index):
                items = index.elts if isinstance(index, ast.Tuple) else [index]
                return Step("[]", tuple(_item(item) for item in items))
            case ast.Call(func=ast.Attribute(value=ast.Name(), attr=name), keywords=[]):
                if name in NOTES:
                    args = tree.body.args
                    if len(args) == 1 and isinstance(args[0], ast.Tuple | ast.List):
                        args = args[0].elts
                    return Step(name, tuple(_whole(each) for each in args))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise fault from None
    raise fault


def apply(step: Step, data: TensorData) -> TensorData:
    """What level 2 makes of it: a view of the same storage, or a copy."""
    try:
        done = MOVES[step.name](data, step.given)
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(str(error)) from None
    if done.size > CELLS or done.ndim > AXES:
        raise InputError(
            f"shape {done.shape} has more than {CELLS} elements or {AXES} axes; "
            "here nobody could look at it"
        )
    return done


def apply_engine(step: Step, x: Tensor) -> Tensor:
    """What level 3 makes of a step that level 2 has done."""
    if step.name == "[]":
        return x[step.given]
    if step.name in ("flip", "squeeze"):
        return getattr(x, step.name)(step.given or tuple(range(x.ndim)))
    return getattr(x, step.name)(*step.given)


def _item(node: ast.expr) -> Any:
    """One part of an index: an int, a slice, `...` or None."""
    if isinstance(node, ast.Slice):
        parts = (node.lower, node.upper, node.step)
        return slice(*(None if part is None else _whole(part) for part in parts))
    if isinstance(node, ast.Constant) and (node.value is None or node.value is ...):
        return node.value
    return _whole(node)


def _whole(node: ast.expr) -> int:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_whole(inner)
        case ast.Constant(value=int() as number) if (
            type(number) is int and number < 1000
        ):
            return number
    raise ValueError


def _transpose(data: TensorData, dims: tuple) -> TensorData:
    if len(dims) != 2:
        raise ValueError(f"transpose takes two axes, not {len(dims)}")
    i, j = (check_dim(dim, data.ndim, "transpose") for dim in dims)
    order = list(range(data.ndim))
    order[i], order[j] = j, i
    return data.permute(order)


def _reshape(data: TensorData, shape: tuple) -> TensorData:
    return _contiguous(data).view(shape)


def _contiguous(data: TensorData, given: tuple = ()) -> TensorData:
    if given:
        raise ValueError("contiguous() takes nothing")
    return get_backend("simple").contiguous(data)


def _expand(data: TensorData, shape: tuple) -> TensorData:
    """-1 keeps a size, as in torch."""
    new = len(shape) - data.ndim
    wanted = [
        data.shape[i - new] if size == -1 and i >= new else size
        for i, size in enumerate(shape)
    ]
    return data.broadcast_to(tuple(wanted))


def _flip(data: TensorData, dims: tuple) -> TensorData:
    """Level 2 stores no flip of its own: its storage is read from the other end."""
    strides, offset = list(data.strides), data.offset
    for axis in _axes(data, dims, "flip"):
        offset += max(data.shape[axis] - 1, 0) * strides[axis]
        strides[axis] = -strides[axis]
    return TensorData(data.storage, data.shape, strides, offset)


def _unsqueeze(data: TensorData, dims: tuple) -> TensorData:
    if len(dims) != 1:
        raise ValueError("unsqueeze takes the place of the new axis")
    at = check_dim(dims[0], data.ndim + 1, "unsqueeze")
    return data.select((slice(None),) * at + (None,))


def _squeeze(data: TensorData, dims: tuple) -> TensorData:
    axes = _axes(data, dims, "squeeze")
    index = tuple(
        0 if axis in axes and size == 1 else slice(None)
        for axis, size in enumerate(data.shape)
    )
    return data.select(index)


def _axes(data: TensorData, dims: tuple, name: str) -> set[int]:
    """The axes that were named; all of them if none was."""
    axes = {check_dim(dim, data.ndim, name) for dim in dims or range(data.ndim)}
    if len(axes) < len(dims):
        raise ValueError(f"{name} names an axis twice: {dims}")
    return axes


MOVES: dict[str, Callable[[TensorData, tuple], TensorData]] = {
    "transpose": _transpose,
    "permute": TensorData.permute,
    "view": TensorData.view,
    "reshape": _reshape,
    "expand": _expand,
    "flip": _flip,
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    "contiguous": _contiguous,
    "[]": TensorData.select,
}


def engine_layout(before: Tensor, after: Tensor) -> dict[str, Any]:
    """Strides in elements of a level-3 tensor, and whether it shares memory."""
    array = after.data
    return {
        "strides": [stride // array.itemsize for stride in array.strides],
        "shares": bool(np.may_share_memory(before.data, array)),
    }
