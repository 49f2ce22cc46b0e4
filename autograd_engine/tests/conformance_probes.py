"""What the samples of torch are asked besides value and gradient.

Each probe answers None where it does not apply, "right", "refused: why" where the
engine raises instead of answering, and anything else is a fault, in words.
"""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import src as ag
from tests.conformance import (
    compare,
    convert,
    is_drawn,
    tolerance_of,
)
from tests.conformance_form import flatten


class Call:
    """One sample run through the engine: leaves, results, weights of the results."""

    def __init__(self, operation: Callable, sample: Any, layout: Callable) -> None:
        self.pairs: dict[int, tuple[torch.Tensor, ag.Tensor]] = {}
        parts = convert((sample.input, sample.args, sample.kwargs), self.pairs)
        self.inputs = [ours for _, ours in self.pairs.values()]
        for tensor in self.inputs:
            tensor.data = layout(tensor.data)
        self.answer = operation(parts[0], *parts[1], **parts[2])
        self.results = [t for t in flatten(self.answer) if isinstance(t, ag.Tensor)]
        self.roots = [t for t in self.results if t.requires_grad]
        self.leaves = [t for t in self.inputs if t.requires_grad]
        draw = np.random.default_rng(0).normal
        self.weights = [ag.Tensor(np.asarray(draw(size=t.shape))) for t in self.roots]

    def gradients(self) -> list[np.ndarray | None]:
        found = ag.grad(
            self.roots, self.leaves, self.weights, retain_graph=True, allow_unused=True
        )
        return [None if g is None else g.data for g in found]


def copied(array: np.ndarray) -> np.ndarray:
    return array.copy()


def reversed_and_gapped(array: np.ndarray) -> np.ndarray:
    """The same values, every second place of memory, from the end to the start."""
    if array.ndim == 0:
        return array.copy()
    room = np.zeros([2 * size for size in array.shape], array.dtype)
    back = tuple(slice(-1, None, -2) if n else slice(0, 0) for n in array.shape)
    room[back] = array
    return room[back]


def any_memory_order(name: str, operation: Callable, info: Any, sample: Any) -> Any:
    """Are value and gradient the same of memory that runs backwards, with gaps?"""
    expected = info.op(sample.input, *sample.args, **sample.kwargs)
    try:
        call = Call(operation, sample, reversed_and_gapped)
    except RuntimeError as error:
        if "view" in name:
            return f"refused: {error}"
        raise
    drawn = is_drawn(name, sample)
    note = compare(expected, call.answer, call.pairs, drawn, tolerance_of(name))
    return note or "right"


def shared_memory(name: str, operation: Callable, info: Any, sample: Any) -> Any:
    """Does what shows the memory of an input share its version? Are `.grad` alone?"""
    call = Call(operation, sample, copied)
    for i, out in enumerate(call.results):
        for other in [*call.inputs, *call.results[:i]]:
            apart = out is not other and out._version is not other._version
            if apart and np.shares_memory(out.data, other.data):
                return f"result {i} shows memory without sharing the version"
    if not (call.roots and call.leaves) or is_drawn(name, sample):
        return "right"
    values = [*call.inputs, *call.results, *call.weights]
    before = [t.data.copy() for t in values]
    first, second = call.gradients(), call.gradients()
    if not same(first, second):
        return "the second pass through a retained graph differs"
    for root, weight in zip(call.roots, call.weights, strict=True):
        root.backward(weight, retain_graph=True)
    arrays = [t.grad.data for t in call.leaves if t.grad is not None]
    if not same([g for g in first if g is not None], arrays, 1e-9):
        return "backward() and grad() differ"
    if not same([t.data for t in values], before, 0):
        return "the backward pass changed an input, a result or the given gradient"
    for i, array in enumerate(arrays):
        others = [*arrays[:i], *[t.data for t in values]]
        if any(np.shares_memory(array, other) for other in others):
            return "a .grad shares its memory"
        array[...] = 777
    return "right" if same(first, call.gradients()) else "a .grad is read again"


def written_since(name: str, operation: Callable, info: Any, sample: Any) -> Any:
    """Is a backward pass right or refused after inputs, or results, were written?"""
    call = Call(operation, sample, copied)
    if not (call.roots and call.leaves) or is_drawn(name, sample):
        return None
    right, refused = call.gradients(), ""
    for what in ("inputs", "results"):
        call = Call(operation, sample, copied)
        with ag.no_grad():
            for tensor in getattr(call, what):
                if tensor.is_floating_point() and tensor.data.flags.writeable:
                    tensor.add_(0.37)
                elif tensor.data.flags.writeable:
                    tensor.zero_()
        try:
            found = call.gradients()
        except RuntimeError as error:
            if "wrote" not in str(error) and "written" not in str(error):
                return f"{what} written: {error}"
            refused = f"refused: {error}"
        else:
            if not same(right, found):
                return f"a wrong gradient after the {what} were written"
    return refused or "right"


def freed_at_once(name: str, operation: Callable, info: Any, sample: Any) -> Any:
    """Is the graph gone with its last user, without the garbage collector?"""
    gc.disable()
    try:
        for differentiate in (True, False):
            call = Call(operation, sample, copied)
            nodes = [t.grad_fn for t in call.roots if t.grad_fn is not None]
            alive = [weakref.ref(x) for x in [*nodes, *call.roots]]
            if differentiate and call.roots and call.leaves:
                call.gradients()
            leaves = call.inputs  # a result that is an input stays
            del call, nodes
            kept = {id(x) for x in leaves}
            if any(r() is not None and id(r()) not in kept for r in alive):
                return "an operation keeps itself alive: a cycle"
    finally:
        gc.enable()
    return "right" if alive else None


def second_derivative(name: str, operation: Callable, info: Any, sample: Any) -> Any:
    """Are the derivatives of weighted first gradients torch's?"""
    if not info.supports_gradgrad or is_drawn(name, sample):
        return None
    call = Call(operation, sample, copied)
    expected = flatten(info.op(sample.input, *sample.args, **sample.kwargs))
    theirs = [t for t in expected if getattr(t, "requires_grad", False)]
    leaves = [t for t, ours in call.pairs.values() if ours.requires_grad]
    if not theirs or not leaves:
        return None
    weights = [torch.tensor(w.data, requires_grad=True) for w in call.weights]
    weights = [w.to(t.dtype) for w, t in zip(weights, theirs, strict=True)]
    ours = [w.requires_grad_() for w in call.weights]
    options = {"create_graph": True, "allow_unused": True}
    try:
        a = torch.autograd.grad(theirs, leaves, weights, **options)
        a = curvature(torch.autograd.grad, a, [*leaves, *weights], torch.from_numpy)
    except (RuntimeError, NotImplementedError):
        return None  # torch has none
    b = ag.grad(call.roots, call.leaves, ours, **options)
    b = curvature(ag.grad, b, [*call.leaves, *ours], ag.Tensor)
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        if not np.allclose(x, y, 1e-8, 1e-8, equal_nan=True):
            # float32 weights come along
            if not any(t.dtype == torch.float32 for t in [*leaves, *weights]):
                return f"second derivative {i}: {y.ravel()[:3]}, not {x.ravel()[:3]}"
    return "right"


def curvature(grad: Callable, first: Any, inputs: list, tensor: Callable) -> list:
    """The gradient of a weighted sum of first gradients, zeros where there is none."""
    draw = np.random.default_rng(1).normal
    weights = [np.asarray(draw(size=tuple(t.shape))) for t in inputs]
    terms = [
        (g, tensor(w.astype(str(g.dtype).removeprefix("torch."))))
        for g, w in zip(first, weights, strict=False)
        if g is not None and g.requires_grad
    ]
    found = [None] * len(inputs)
    if terms:
        roots, given = zip(*terms, strict=True)
        found = grad(roots, inputs, given, allow_unused=True)
    return [
        np.zeros(tuple(t.shape)) if g is None else plain_array(g)
        for g, t in zip(found, inputs, strict=True)
    ]


def plain_array(tensor: Any) -> np.ndarray:
    tensor = tensor.detach()
    return tensor.numpy(force=True) if torch.is_tensor(tensor) else tensor.data


def in_place(name: str, operation: Callable, info: Any, sample: Any) -> Any:
    """Does the variant that writes to its input do as torch's to a clone?"""
    write = getattr(ag.Tensor, f"{name}_", None)
    if write is None or info.inplace_variant is None or is_drawn(name, sample):
        return None
    copy = sample.input.detach().clone().requires_grad_(sample.input.requires_grad)
    pairs: dict[int, tuple[torch.Tensor, ag.Tensor]] = {}
    x, args, options = convert((copy, sample.args, sample.kwargs), pairs)
    try:
        written = copy.clone()
        expected = info.inplace_variant(written, *sample.args, **sample.kwargs)
        if expected.requires_grad:
            torch.autograd.grad(expected.sum(), copy, retain_graph=True)
    except (RuntimeError, NotImplementedError, IndexError):
        return None
    try:
        answer = write(x.clone(), *args, **options)
    except RuntimeError as error:
        return f"refused: {error}"
    return compare(expected, answer, pairs, False, tolerance_of(name)) or "right"


PROBES = {
    "memory that runs backwards with gaps": any_memory_order,
    "shared memory, second passes, own `.grad`": shared_memory,
    "inputs and results written before the backward pass": written_since,
    "freed without the garbage collector": freed_at_once,
    "second derivatives": second_derivative,
    "the variant that writes in place": in_place,
}


def same(a: list, b: list, close: float = 1e-12) -> bool:
    """Equal arrays, NaN and None in the same places."""
    return len(a) == len(b) and all(
        x is y or (x is not None and y is not None and _close(x, y, close))
        for x, y in zip(a, b, strict=True)
    )


def _close(x: np.ndarray, y: np.ndarray, close: float) -> bool:
    return np.allclose(x, y, close, close, equal_nan=x.dtype.kind == "f")
