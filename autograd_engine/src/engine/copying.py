"""Copies of tensors: by the module `copy`, and by pickle."""

from typing import Any

from .tensor import Tensor


def shallow(tensor: Tensor) -> Tensor:
    """copy.copy: the same memory, and so the same version."""
    out = _rebuilt(type(_leaf(tensor)), tensor.data, tensor.requires_grad)
    out.grad, out._version = tensor.grad, tensor._version
    return out


def deep(tensor: Tensor, memo: dict) -> Tensor:
    """copy.deepcopy: memory of its own, shared only among what is copied together."""
    array, version = memo.get(id(tensor.data), (None, [0]))
    if array is None:
        array = tensor.data.copy()
        memo[id(tensor.data)] = array, version
    out = _rebuilt(type(_leaf(tensor)), array, tensor.requires_grad)
    out._version = version
    out.grad = None if tensor.grad is None else deep(tensor.grad.detach(), memo)
    memo[id(tensor)] = out
    return out


def reduced(tensor: Tensor, protocol: Any = None) -> tuple:
    """pickle: the values, and whether gradients are asked for."""
    parts = type(_leaf(tensor)), tensor.detach().numpy(), tensor.requires_grad
    return _rebuilt, parts


def _leaf(tensor: Tensor) -> Tensor:
    if tensor.grad_fn is not None:
        raise RuntimeError(
            "only a leaf can be copied or pickled, this tensor was computed by "
            f"{type(tensor.grad_fn).__name__}; use detach(), or clone() to keep the "
            "gradient"
        )
    return tensor


def _rebuilt(kind: type, array: Any, requires_grad: bool) -> Tensor:
    out = kind.__new__(kind)
    Tensor.__init__(out, array, requires_grad=requires_grad)
    return out
