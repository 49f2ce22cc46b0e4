"""The sandbox's panel: shape, strides and offset, and the storage that they read.

Level 2 answers (`strided.TensorData`); the page adds up index · strides + offset.
"""

import math
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import numpy as np

from ..ops.creation import tensor
from ..strided import TensorData
from ..strided.indexing import shape_broadcast
from ..utils.errors import InputError
from .moves import CELLS, NOTES, apply, apply_engine, engine_layout, read_step
from .page import Question


SHAPES = ([3, 4], [2, 3, 4], [4, 1], [12])
PAIRS = (
    ([3, 4], [4]),
    ([3, 1], [1, 4]),
    ([2, 3, 4], [3, 1]),
    ([3, 4], [3]),
    ([3, 4], []),
    ([2, 1, 3], [4, 1]),
    ([5, 2], [3, 2]),
    ([3, 4], [3, 4]),
    ([1], [3, 2]),
    ([2, 3], [2, 1, 1]),
)
"""Shapes, and shapes to be broadcast, that a saved page holds."""

STEPS, AXES = 8, 4
"""Most steps of a chain, most axes of a shape that is chosen."""


class Sandbox:
    """What the sandbox's panel asks for."""

    def start(self) -> dict[str, Any]:
        """The shapes and pairs to choose from, and the first answers."""
        return {
            "shapes": SHAPES,
            "pairs": PAIRS,
            "steps": STEPS,
            "chain": self.chain(SHAPES[0], []),
            "broadcast": self.broadcast(*PAIRS[0]),
        }

    def chain(self, shape: list[int], steps: list[str]) -> dict[str, Any]:
        """A new tensor of this shape and what becomes of it, step by step.

        `storages` are the memory that was made on the way: the first one, and a copy
        with the cells that each of its numbers came `from`.
        """
        _check(shape)
        if len(steps) > STEPS:
            raise InputError(f"{len(steps)} steps; at most {STEPS} can be followed")
        size = math.prod(shape)
        data = TensorData(np.arange(size, dtype=np.float64), tuple(shape))
        engine = tensor(np.arange(size, dtype=np.float64)).view(*shape)
        storages: list[dict[str, Any]] = [{"size": size, "from": None}]
        text = f"arange({size})" + ("" if len(shape) == 1 else f".view{_text(shape)}")
        states = [_state(data, 0, text, "A new tensor lies in row-major order.")]
        for number, text in enumerate(steps, 1):
            step = read_step(text)
            try:
                after = apply(step, data)
            except InputError as error:
                raise InputError(f"step {number}, {text}: {error}") from None
            if copied := after.storage is not data.storage:
                storages.append({"size": after.size, "from": data.positions()})
            note = "" if copied or step.name != "contiguous" else " They do: no copy."
            state = _state(after, len(storages) - 1, text, NOTES[step.name] + note)
            state["copied"] = copied
            moved = apply_engine(step, engine)
            if after.size:  # of no elements nobody can say where they lie
                state["engine"] = engine_layout(engine, moved)
            engine = moved
            states.append(state)
            data = after
        return {"states": states, "storages": storages, "next": _suggested(data)}

    def broadcast(self, first: list[int], second: list[int]) -> dict[str, Any]:
        """The rule for two shapes, an axis a row from the right, and both strides."""
        for shape in (first, second):
            _check(shape)
        rows = [
            _row(axis, x, y)
            for axis, (x, y) in enumerate(zip_longest(first[::-1], second[::-1]), 1)
        ]
        try:
            shape = shape_broadcast(first, second, "add")
        except RuntimeError as error:
            return {"rows": rows, "shape": None, "sentence": str(error)}
        if math.prod(shape) > CELLS:
            raise InputError(
                f"{_text(first)} and {_text(second)} make {_text(shape)}: more than "
                f"{CELLS} elements; take smaller sizes"
            )
        sides = [_side(each, shape) for each in (first, second)]
        return {"rows": rows, "shape": list(shape), "sides": sides}

    def exported(self) -> Iterator[Question]:
        """What a saved page holds: two suggested steps on each shape, and the pairs."""
        yield "sandbox/start", {}
        for shape in SHAPES:
            for steps in self._suggested_chains(shape):
                yield "sandbox/chain", {"shape": shape, "steps": steps}
        for first, second in PAIRS:
            yield "sandbox/broadcast", {"first": first, "second": second}

    def _suggested_chains(self, shape: list[int], depth: int = 2) -> list[list[str]]:
        found, level = [[]], [[]]
        for _ in range(depth):
            level = [
                [*steps, more]
                for steps in level
                for more in self.chain(shape, steps)["next"]
            ]
            found += level
        return found


def _check(shape: list[int]) -> None:
    if len(shape) > AXES or not all(1 <= size <= 12 for size in shape):
        raise InputError(
            f"shape {_text(shape)}: at most {AXES} axes, with sizes from 1 to 12"
        )
    if math.prod(shape) > CELLS:
        raise InputError(f"shape {_text(shape)} has more than {CELLS} elements")


def _state(data: TensorData, storage: int, text: str, note: str) -> dict[str, Any]:
    """The three that read a storage, and what view(-1) would say."""
    refused = None
    try:
        data.view((-1,) if data.size else (0,))
    except RuntimeError as error:
        refused = str(error)
    return {
        "text": text,
        "note": note,
        "shape": list(data.shape),
        "strides": list(data.strides),
        "offset": data.offset,
        "storage": storage,
        "contiguous": data.is_contiguous(),
        "refused": refused,
        "copied": False,
        "engine": None,
    }


def _suggested(data: TensorData) -> list[str]:
    """Steps that show something on this tensor."""
    n, shape = data.ndim, data.shape
    if not data.size:
        return ["contiguous()"]
    found = []
    if n >= 2:
        found.append(f"transpose({n - 2}, {n - 1})")
    if n >= 3:
        found.append(f"permute({n - 1}, {', '.join(map(str, range(n - 1)))})")
    if n >= 1 and shape[0] > 1:
        found += ["[1:]", "[1]", "flip(0)"]
    if n >= 1 and shape[-1] > 2:
        found.append("[..., ::2]")
    if n >= 1 and 1 in shape and data.size * 3 <= CELLS:
        sizes = list(shape)
        sizes[shape.index(1)] = 3
        found.append(f"expand{_text(sizes)}")
    elif n < AXES:
        found.append(f"unsqueeze({min(1, n)})")
    if n != 1:
        found.append("reshape(-1)")
    elif data.size % 2 == 0 and data.size > 2:
        found.append(f"reshape(2, {data.size // 2})")
    return [*found, "contiguous()"]


def _row(axis: int, x: int | None, y: int | None) -> dict[str, Any]:
    """What the rule says of one axis, counted from the right."""
    size = max(x or 1, y or 1)
    if None in (x, y):
        why = f"the {'first' if x is None else 'second'} has no such axis: as size 1"
    elif x == y:
        why = "equal sizes"
    elif 1 not in (x, y):
        why, size = "neither equal nor 1: the shapes do not fit", None
    else:
        why = f"the {'first' if x == 1 else 'second'} has size 1"
    if size is not None and (x or 1) != (y or 1):
        why += f", read {size} times (stride 0)"
    return {"axis": -axis, "first": x, "second": y, "size": size, "why": why}


def _side(shape: list[int], wanted: tuple[int, ...]) -> dict[str, Any]:
    """One of two tensors as `wanted`; backward sums over its axes of stride 0."""
    data = TensorData(np.arange(math.prod(shape), dtype=np.float64), tuple(shape))
    wide = data.broadcast_to(wanted)
    new = len(wanted) - len(shape)
    repeated = [
        axis
        for axis, size in enumerate(wanted)
        if size > 1 and (axis < new or shape[axis - new] == 1)
    ]
    return {
        "shape": shape,
        "before": list(data.strides),
        "strides": list(wide.strides),
        "size": data.size,
        "repeated": repeated,
    }


def _text(shape: Any) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
