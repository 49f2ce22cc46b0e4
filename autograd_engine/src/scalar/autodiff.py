"""Reverse-mode differentiation: the order, the chain rule, the pass, and a check of it.

The names follow MiniTorch's module 1. A node is any object with `data`, `grad`,
`parents` and `local_gradients`; `Scalar` is one.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar


class Node(Protocol):
    """One number of an expression: what it is and what it was computed from."""

    data: float
    grad: float
    parents: tuple[Any, ...]
    local_gradients: tuple[float, ...]


NodeT = TypeVar("NodeT", bound=Node)


def backpropagate(root: Node, gradient: float = 1.0) -> None:
    """Set `grad` of every node below `root` to d root / d node times `gradient`.

    Why an order: in `b = a + a; c = b + b` the gradients of both edges from c must have
    arrived at b before b hands its own on; edge by edge, a would get a part twice.
    Why `+=`: a value that is used twice acts on the root along two paths, and their
    effects add up; `=` would keep the last path only.

    Leaves add to the gradient that they have, as in torch, until it is zeroed. Inner
    nodes start at zero here, so that a second pass adds the same again, no more.
    """
    order = topological_order(root, leaves=False)
    for node in order:
        if node.parents:
            node.grad = 0.0
    root.grad += gradient
    for node in order:
        d = node.grad
        parents = node.parents
        if len(parents) == 2:  # the loop below, unrolled for what is most frequent
            x, y = parents
            by_x, by_y = node.local_gradients
            x.grad += by_x * d
            y.grad += by_y * d
        else:
            for parent, local in zip(parents, node.local_gradients, strict=True):
                parent.grad += local * d


def chain_rule(node: NodeT, d: float) -> list[tuple[NodeT, float]]:
    """Each parent of `node` with d root / d node times d node / d parent, d the former.

    A parent that was used twice is in the list twice: its gradient is the sum.
    """
    return [
        (parent, local * d)
        for parent, local in zip(node.parents, node.local_gradients, strict=True)
    ]


def topological_order(root: NodeT, *, leaves: bool = True) -> list[NodeT]:
    """All nodes of the expression, each one after every node that was made from it.

    The root comes first. The edges are `(node, parent) for parent in node.parents`.
    Without recursion: a chain may be longer than Python's stack.
    """
    finished: list[NodeT] = []
    seen = {root}
    node, parents = root, iter(root.parents)
    waiting = []
    while True:
        for parent in parents:
            if parent not in seen and (leaves or parent.parents):
                seen.add(parent)
                waiting.append((node, parents))
                node, parents = parent, iter(parent.parents)
                break
        else:  # all that the node was made from is finished, and so is the node
            finished.append(node)
            if not waiting:
                break
            node, parents = waiting.pop()
    finished.reverse()
    return finished


def central_difference(
    f: Callable[..., Any], *values: float, arg: int = 0, epsilon: float = 1e-6
) -> float:
    """(f(x + h) - f(x - h)) / 2h in argument `arg`; its error is of the order of h^2.

    h is `epsilon` times the larger of 1 and |x|: smaller ones lose digits to rounding.
    `f` gives a float or a Scalar. Across a kink or a jump this is no derivative.
    """
    if not 0 <= arg < len(values):
        raise IndexError(
            f"central_difference: there is no argument {arg}; f got {len(values)}, "
            "counted from 0"
        )
    x = values[arg]
    h = epsilon * max(1.0, abs(x))
    upper, lower = x + h, x - h
    difference = _number(f(*values[:arg], upper, *values[arg + 1 :])) - _number(
        f(*values[:arg], lower, *values[arg + 1 :])
    )
    return difference / (upper - lower)


def derivative_check(
    f: Callable[..., Any], *scalars: Node, tolerance: float = 1e-5
) -> None:
    """Compare the gradient of `f` in each argument with its central difference.

    `f` is called on new leaves of the same values. The error allowed is `tolerance`
    times the larger of 1, |f| and the derivative. Wrong: an AssertionError that names
    the argument, its value, both derivatives and, from their ratio, the likely cause.
    """
    leaves = [type(scalar)(scalar.data, scalar.name) for scalar in scalars]
    result = f(*leaves)
    if not hasattr(result, "parents"):
        raise TypeError(f"derivative_check: f returned {result!r}, which is no Scalar")
    backpropagate(result)
    values = tuple(leaf.data for leaf in leaves)
    for arg, leaf in enumerate(leaves):
        numeric = central_difference(_with_leaves(f, type(leaf)), *values, arg=arg)
        scale = max(1.0, abs(numeric), abs(result.data))
        if not abs(leaf.grad - numeric) <= tolerance * scale:
            name = f" ({leaf.name})" if leaf.name else ""
            raise AssertionError(
                f"derivative in argument {arg}{name} at {values}: backward gives "
                f"{leaf.grad:.10g}, the central difference {numeric:.10g}"
                f"{_cause(leaf.grad, numeric)}"
            )


def _with_leaves(f: Callable[..., Any], leaf: type) -> Callable[..., Any]:
    """`f` for plain floats: it may call methods of its arguments."""
    return lambda *values: f(*(leaf(value) for value in values))


def _cause(analytic: float, numeric: float) -> str:
    """What the ratio of a wrong to the right derivative points at."""
    if numeric == 0 or analytic != analytic:
        return ""
    ratio = analytic / numeric
    if abs(ratio + 1) < 1e-3:
        return "; the sign is wrong"
    if abs(ratio) < 1e-3:
        return "; nothing arrives: is the argument lost on the way?"
    if abs(ratio - round(ratio)) < 1e-3:
        return f"; {round(ratio)} times too much: is a path counted more than once?"
    if abs(1 / ratio - round(1 / ratio)) < 1e-3:
        return f"; 1/{round(1 / ratio)} of it: is a path overwritten, not added?"
    return f"; ratio {ratio:.6g}"


def _number(value: Any) -> float:
    return getattr(value, "data", value)
