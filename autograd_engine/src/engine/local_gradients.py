"""The gradients of one operation: its rule, fitted to its inputs."""

from typing import Any

import numpy as np

from .dtypes import is_floating
from .function import Function
from .grad_mode import is_anomaly_enabled
from .refusals import where_made
from .tensor import Tensor


def differentiate(node: Function, given: list[Tensor], create_graph: bool) -> tuple:
    """The gradients of the inputs of `node`, one for each argument of its forward."""
    try:
        results = node.backward(node, *given)
    except Exception as error:
        error.add_note(f"in the backward of {type(node).__name__}; {where_made(node)}")
        raise
    results = results if isinstance(results, tuple) else (results,)
    if len(results) != len(node.edges):
        raise RuntimeError(
            f"{type(node).__name__}.backward returned {len(results)} gradients for "
            f"{len(node.edges)} arguments of forward"
        )
    if create_graph and any(isinstance(r, np.ndarray) for r in results):
        raise NotImplementedError(
            f"{type(node).__name__} works on arrays in its backward and has no `plain` "
            "form: it cannot be differentiated twice"
        )
    return results


def fit(node: Function, index: int, gradient: Tensor, edge: Any) -> Tensor:
    """Undo broadcasting: sum the axes that the input did not have, or had as 1."""
    extra = gradient.ndim - len(edge.shape)
    axes = tuple(range(max(extra, 0))) + tuple(
        extra + i
        for i, size in enumerate(edge.shape)
        if extra >= 0 and size == 1 and gradient.shape[extra + i] != 1
    )
    if axes:
        gradient = gradient.sum(axes, keepdim=True)
    if gradient.shape != edge.shape:
        gradient = _drop(node, index, gradient, edge, extra)
    return gradient if gradient.dtype == edge.dtype else gradient.to(edge.dtype)


def _drop(node: Function, index: int, gradient: Tensor, edge: Any, extra: int):
    if extra > 0 and gradient.shape[extra:] == edge.shape:
        return gradient.reshape(edge.shape)
    raise RuntimeError(
        f"{type(node).__name__}.backward returned a gradient of shape {gradient.shape} "
        f"for argument {index} of shape {edge.shape}"
    )


def check_finite(node: Function, results: tuple) -> None:
    """In anomaly mode: RuntimeError that names the operation whose rule gave NaN."""
    if not is_anomaly_enabled():
        return
    for i, result in enumerate(results):
        array = result.data if isinstance(result, Tensor) else result
        if array is not None and is_floating(array.dtype) and np.isnan(array).any():
            raise RuntimeError(
                f"the backward of {type(node).__name__} gave NaN for argument {i}; "
                f"{where_made(node)}"
            )
