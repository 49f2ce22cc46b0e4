"""Every gradient of one backward pass, also of the tensors between leaves and root."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.graph import topological_order
from ..engine.tensor import Tensor
from ..scalar import Scalar
from ..strided import Tensor as StridedTensor
from ..strided import autodiff


Gradients = dict[int, np.ndarray] | None
"""id of a node (an operation of level 3, a tensor of level 2) -> its gradient."""


def gradients(root: Any) -> Gradients:
    """Run `root.backward()` and keep all gradients; the graph stays usable.

    Leaves get theirs in `.grad`, as always. Scalars keep every gradient themselves.
    """
    if isinstance(root, Scalar):
        root.backward()
        return {}
    if isinstance(root, StridedTensor):
        return _of_strided(root)
    found: dict[int, np.ndarray] = {}
    removers = []
    for node in topological_order([] if root.grad_fn is None else [root.grad_fn]):
        if not isinstance(node, Tensor):
            node.hooks = {} if node.hooks is None else node.hooks
            hooks = node.hooks.setdefault(0, [])
            hook = _keeper(found, id(node))
            hooks.append(hook)
            removers.append((hooks, hook))
    try:
        root.backward(retain_graph=True)
    finally:
        for hooks, hook in removers:
            hooks.remove(hook)
    return found


def _keeper(found: dict[int, np.ndarray], key: int) -> Callable[[Tensor], None]:
    def keep(gradient: Tensor) -> None:
        found[key] = gradient.data.copy()

    return keep


def _of_strided(root: StridedTensor) -> dict[int, np.ndarray]:
    """The pass of `strided.autodiff.backpropagate`, without freeing anything."""
    root.backward(retain_graph=True)
    sums = {id(root): root.constant(1.0).view(*root.shape)}
    for tensor in autodiff.topological_order(root):
        if tensor.history is None or id(tensor) not in sums:
            continue
        grad = sums[id(tensor)]
        given = tensor.history.function.backward(tensor.history.context, grad)
        given = given if isinstance(given, tuple) else (given,)
        for parent, part in zip(tensor.history.inputs, given, strict=True):
            if parent.requires_grad and part is not None:
                part = autodiff.expand(part, parent.shape)
                held = sums.get(id(parent))
                sums[id(parent)] = part if held is None else held + part
    return {key: value.numpy() for key, value in sums.items()}
