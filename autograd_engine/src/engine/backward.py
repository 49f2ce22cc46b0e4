"""Reverse-mode differentiation of a recorded graph.

Each operation receives the whole gradient of its output exactly once: an operation is
visited after all that used its output (topological order). Gradients on the way live
in a dict of this pass, not on the tensors; only leaves keep theirs.
"""

from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from .backend import array_module
from .function import Function
from .grad_mode import _recording, set_grad_enabled
from .graph import ALONE, Sums, topological_order, useful_nodes
from .local_gradients import check_finite, differentiate, fit
from .refusals import freed, where_made
from .tensor import Tensor, make


def backward(
    root: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add d root / d leaf, times `gradient`, to `.grad` of every leaf below `root`.

    `gradient` defaults to 1 and must be given if `root` has more than one element.
    """
    start = _start(root, gradient)
    _run([start], create_graph if retain_graph is None else retain_graph, create_graph)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The sum of d output / d input for each input; `.grad` is left alone.

    With `create_graph` the results can be differentiated again. An input that no
    output depends on is an error, or None with `allow_unused`.
    """
    outputs, inputs = _sequence(outputs), _sequence(inputs)
    given = [None] * len(outputs) if grad_outputs is None else _sequence(grad_outputs)
    if len(given) != len(outputs):
        raise RuntimeError(f"{len(outputs)} outputs but {len(given)} grad_outputs")
    starts = [_start(o, g) for o, g in zip(outputs, given, strict=True)]
    for i, tensor in enumerate(inputs):
        if not tensor.requires_grad:
            raise RuntimeError(f"input {i} of grad does not require gradients")
    wanted = {_key(tensor): None for tensor in inputs}
    keep = create_graph if retain_graph is None else retain_graph
    _run(starts, keep, create_graph, wanted)
    found = [wanted[_key(tensor)] for tensor in inputs]
    # One array may be the gradient of two inputs; each gets its own.
    with set_grad_enabled(create_graph):
        found = [None if g is None else g.clone() for g in found]
    for i, value in enumerate(found):
        if value is None and not allow_unused:
            raise RuntimeError(
                f"input {i} of grad, of shape {inputs[i].shape}, was not used for "
                "the outputs; pass allow_unused=True to get None for it"
            )
    return tuple(found)


def _run(starts: list, keep: bool, create_graph: bool, wanted: dict | None = None):
    """Carry the gradients of `starts` down, to `.grad` of leaves or into `wanted`."""
    order = topological_order([key[0] for key, _ in starts])
    useful = useful_nodes(order, wanted) if wanted is not None else None
    sums = Sums(create_graph)
    for (node, output), gradient in starts:
        sums.add(node, output, gradient, fresh=False)
    token = _recording.set(create_graph)
    try:
        with np.errstate(all="ignore"):  # inf and NaN pass in silence, as in torch
            for node in order:
                grads = sums.take(node)
                if grads is not None and isinstance(node, Tensor):
                    _finish(node, *grads[0], create_graph, wanted)
                elif grads is not None:
                    _visit(node, grads, sums, create_graph, wanted, useful)
                    if not keep:
                        node.release()
    finally:
        _recording.reset(token)


def _finish(leaf: Tensor, gradient: Tensor, fresh: bool, create_graph, wanted) -> None:
    """The gradient of a leaf is complete."""
    if leaf.data.dtype.kind != "f":
        leaf.requires_grad_()  # says that only floating-point tensors have gradients
    gradient, fresh = _call_hooks(leaf._hooks, gradient, fresh)
    if wanted is None:
        _accumulate(leaf, gradient, fresh, create_graph)
    elif (leaf, 0) in wanted:
        wanted[leaf, 0] = gradient


def _visit(node: Function, grads: dict, sums: "Sums", create_graph, wanted, useful):
    """Pass the gradients of the outputs of `node` on to its inputs."""
    for output, hooks in (node.hooks or {}).items():
        if output in grads:
            grads[output] = _call_hooks(hooks, *grads[output])
    if wanted is not None:
        for output, (gradient, _) in grads.items():
            if (node, output) in wanted:
                wanted[node, output] = gradient
        if node not in useful:
            return
        if node.fills_leaves:
            raise RuntimeError("checkpoint() works with backward(), not with ag.grad()")
    if node._saved is None:
        raise RuntimeError(freed(node))
    given = [grads[0][0]] if not node.outputs else _all_outputs(node, grads)
    if create_graph and node.plain is not None:
        results = _differentiate_plain(node, given)
    else:
        results = differentiate(node, given, create_graph)
    check_finite(node, results)
    for i, edge in enumerate(node.edges):
        result = results[i]
        if edge is None or result is None:
            continue
        fresh = not isinstance(result, Tensor)
        if fresh:
            # An array that something else may hold is never added to in place.
            fresh = getrefcount(result) <= ALONE and result.base is None
            number = isinstance(result, np.generic)  # what 0-d arithmetic gives
            result = make(np.asarray(result) if number else result, False, None)
        if result.data.shape != edge.shape or result.data.dtype != edge.dtype:
            result, fresh = fit(node, i, result, edge), False
        sums.add(edge.target, edge.output, result, fresh)


def _all_outputs(node: Function, grads: dict) -> list[Tensor]:
    """The gradient of each output, zeros for those that nothing used."""
    xp = array_module(next(iter(grads.values()))[0].data)
    return [
        grads[i][0] if i in grads else make(xp.zeros(shape, dtype), False, None)
        for i, (shape, dtype) in enumerate(node.outputs)
    ]


def _differentiate_plain(node: Function, given: list[Tensor]) -> tuple:
    """Gradients that can be differentiated: through the plain form of a fused node."""
    args = []
    for arg, version in node.args:
        if isinstance(arg, Tensor) and arg._version[0] != version:
            raise RuntimeError(
                f"the backward of {type(node).__name__} needs an input of shape "
                f"{arg.shape} that was written in place since; {where_made(node)}"
            )
        # An alias stands for each input, so that one input made from another keeps its
        # own partial derivative.
        args.append(arg.alias() if isinstance(arg, Tensor) else arg)
    out = node.plain(*args)
    outputs = out if isinstance(out, tuple) else (out,)
    needs = [i for i, edge in enumerate(node.edges) if edge is not None]
    pairs = [(o, g) for o, g in zip(outputs, given, strict=True) if o.requires_grad]
    found = grad(
        [o for o, _ in pairs],
        [args[i] for i in needs],
        [g for _, g in pairs],
        create_graph=True,
        allow_unused=True,
    )
    results: list[Tensor | None] = [None] * len(node.edges)
    for i, value in zip(needs, found, strict=True):
        results[i] = value
    return tuple(results)


def _accumulate(leaf: Tensor, gradient: Tensor, fresh: bool, create_graph: bool):
    """Add to `.grad`: a buffer of its own, never one that another tensor holds."""
    if leaf.grad is None:
        if create_graph:
            leaf.grad = gradient.clone()
        else:
            array = gradient.data if fresh else gradient.data.copy()
            leaf.grad = make(array, False, None)
    elif leaf.grad.shape != gradient.shape:
        raise RuntimeError(
            f"the .grad of a leaf of shape {leaf.shape} was given the shape "
            f"{leaf.grad.shape}: nothing can be added to it"
        )
    elif create_graph:
        leaf.grad = leaf.grad + gradient
    else:
        np.add(leaf.grad.data, gradient.data, out=leaf.grad.data)
        leaf.grad.mark_written("backward")


def _start(root: Tensor, gradient: Any) -> tuple[tuple[Any, int], Tensor]:
    if not root.requires_grad:
        raise RuntimeError(
            "backward from a tensor that does not require gradients: no input asked "
            "for them (requires_grad=True), or it was computed inside no_grad()"
        )
    if root._base is not None and root._base.grad_fn is not root._born:
        raise RuntimeError("backward from a view whose base was written in place since")
    if gradient is None:
        if root.data.size != 1:
            raise RuntimeError(
                f"backward from a tensor of shape {root.shape}: only one of a single "
                "element starts from 1 by itself; pass gradient= of the same shape, or "
                "reduce it first (.sum(), .mean())"
            )
        gradient = make(np.ones_like(root.data), False, None)
    gradient = gradient if isinstance(gradient, Tensor) else Tensor(gradient)
    if gradient.shape != root.shape:
        raise RuntimeError(
            f"backward was given a gradient of shape {gradient.shape} for a tensor of "
            f"shape {root.shape}"
        )
    if gradient.dtype != root.dtype:
        gradient = gradient.to(root.dtype)
    return _key(root), gradient


def _key(tensor: Tensor) -> tuple[Any, int]:
    if tensor.grad_fn is None:
        return tensor, 0
    return tensor.grad_fn, tensor.output_nr


def _call_hooks(hooks, gradient: Tensor, fresh: bool) -> tuple[Tensor, bool]:
    if hooks:
        # A hook may write to what it is shown, or keep it; others have it as well.
        gradient, fresh = gradient.clone(), False
    for hook in list(hooks or ()):
        changed = hook(gradient)
        if changed is not None and getattr(changed, "shape", None) != gradient.shape:
            raise RuntimeError(
                f"a hook answered {changed!r:.60} to a gradient of shape "
                f"{gradient.shape}; it returns a tensor of that shape, or None"
            )
        gradient = gradient if changed is None else changed.to(gradient.dtype)
    return gradient, fresh


def _sequence(value: Any) -> list:
    return [value] if isinstance(value, Tensor) else list(value)
