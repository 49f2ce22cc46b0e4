"""The graphs of the three engines as one list of `Node`s, the root first."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..engine.graph import edges_of
from ..engine.tensor import Tensor
from ..scalar import Scalar, topological_order
from ..strided import Tensor as StridedTensor
from .nodes import NOT_KEPT, NOT_YET, Node, number, rows_of, shape
from .retain import Gradients
from .rules import family, scalar_rule, tensor_rule


def read_graph(
    root: Any, names: Mapping[str, Any] | None = None, gradients: Gradients = None
) -> list[Node]:
    """The boxes of the expression `root`, in topological order.

    `names` says what leaves are called; `gradients` has those of inner tensors, which
    the engines of levels 2 and 3 do not keep (`retain.gradients`).
    """
    called = {id(node): name for name, node in (names or {}).items()}
    known = gradients or {}
    if isinstance(root, Scalar):
        return _read_scalar(root, called)
    if isinstance(root, StridedTensor):
        return _read_strided(root, called, known)
    if isinstance(root, Tensor):
        return _read_engine(root, called, known)
    raise TypeError(
        f"a graph is drawn of a Scalar, a strided or an engine Tensor, not of "
        f"{type(root).__name__}"
    )


def ordered(root: Any, parents: Callable[[Any], list]) -> list:
    """All nodes below `root`, each after its users; without recursion."""
    users, stack = {id(root): 0}, [root]
    while stack:
        for parent in parents(stack.pop()):
            if id(parent) not in users:
                users[id(parent)] = 0
                stack.append(parent)
            users[id(parent)] += 1
    found, ready = [], [root]
    while ready:
        node = ready.pop(0)
        found.append(node)
        for parent in parents(node):
            users[id(parent)] -= 1
            if users[id(parent)] == 0:
                ready.append(parent)
    return found


def _read_scalar(root: Scalar, called: dict) -> list[Node]:
    nodes = topological_order(root)
    place = {node: i for i, node in enumerate(nodes)}
    done = root.grad != 0.0  # `backward` begins by writing there
    out = []
    for node in nodes:
        formula, derivatives = scalar_rule(node.op)
        leaf = not node.parents
        name = called.get(id(node), node.name)
        # A leaf may still hold the gradient of an earlier expression.
        grad = number(node.grad) if done or (leaf and node.grad) else NOT_YET
        rule = formula + "".join(
            f"\n∂y/∂{letter} = {text}"
            for letter, text in zip("ab", derivatives, strict=False)
        )
        title = name or "leaf" if leaf else node.op + (f"   {name}" if name else "")
        out.append(
            Node(
                title=title,
                family="leaf" if leaf else family(_sign(node.op)),
                rows=(("value", number(node.data)), ("grad", grad)),
                rule="a leaf: its gradients add up" if leaf else rule,
                parents=tuple(place[parent] for parent in node.parents),
                locals=tuple(f"×{number(x, 3)}" for x in node.local_gradients),
            )
        )
    return out


def _sign(op: str) -> str:
    """The operation without its constant: `* 2` and `1 /` are products."""
    return next((part for part in op.split() if not part[-1].isalnum()), op)


def _read_strided(root: StridedTensor, called: dict, known: dict) -> list[Node]:
    def parents(node: StridedTensor) -> list[StridedTensor]:
        return [] if node.history is None else list(node.history.inputs)

    nodes = ordered(root, parents)
    place = {id(node): i for i, node in enumerate(nodes)}
    out = []
    for node in nodes:
        name = called.get(id(node), "")
        grad = node.grad.numpy() if node.grad is not None else known.get(id(node))
        rows = [("shape", shape(node.shape)), ("strides", str(node.data.strides))]
        rows += rows_of("value", node.numpy())
        if node.requires_grad:
            rows += [("grad", NOT_YET)] if grad is None else rows_of("grad", grad)
        op = "" if node.history is None else node.history.function.__name__.lower()
        kind = "leaf" if node.requires_grad else "constant"
        out.append(
            Node(
                title=op + (f"   {name}" if name else "") if op else name or kind,
                family=family(op) if op else kind,
                rows=tuple(rows),
                rule=tensor_rule(op) if op else f"a {kind}",
                parents=tuple(place[id(parent)] for parent in parents(node)),
            )
        )
    return out


def _read_engine(root: Tensor, called: dict, known: dict) -> list[Node]:
    start = root if root.grad_fn is None else root.grad_fn
    nodes = ordered(start, lambda node: [edge.target for edge in edges_of(node)])
    place = {id(node): i for i, node in enumerate(nodes)}
    values = _kept_values(nodes, root)
    outputs = {
        id(edge.target): (edge.shape, edge.dtype)
        for node in nodes
        for edge in edges_of(node)
    }
    outputs[id(start)] = (root.shape, root.dtype)
    out = []
    for node in nodes:
        sizes, dtype = outputs[id(node)]
        leaf = isinstance(node, Tensor)
        value, grad = values.get(id(node)), known.get(id(node))
        if leaf:
            value, grad = node.data, None if node.grad is None else node.grad.data
        name = called.get(id(root) if node is start else id(node), "")
        rows = [("shape", shape(sizes, dtype))]
        rows += [("value", NOT_KEPT)] if value is None else rows_of("value", value)
        rows += [("grad", NOT_YET)] if grad is None else rows_of("grad", grad)
        op = "" if leaf else type(node).__name__
        if not leaf and node._saved is None:
            rows.append(("keeps", "nothing: freed"))
        out.append(
            Node(
                title=op + (f"   {name}" if name else "") if op else name or "leaf",
                family=family(op.lower()) if op else "leaf",
                rows=tuple(rows),
                rule=tensor_rule(op) if op else "a leaf: its gradients add up",
                parents=tuple(place[id(edge.target)] for edge in edges_of(node)),
            )
        )
    return out


def _kept_values(nodes: list, root: Tensor) -> dict[int, np.ndarray]:
    """Values of inner nodes as far as the rules keep them for the backward pass."""
    values = {id(root.grad_fn): root.data}
    for node in nodes:
        for saved in () if isinstance(node, Tensor) else node._saved or ():
            if saved is None:
                continue
            if saved.tensor is None:
                values[id(node)] = saved.array
            elif saved.tensor.grad_fn is not None and saved.tensor.output_nr == 0:
                values[id(saved.tensor.grad_fn)] = saved.tensor.data
    return values
