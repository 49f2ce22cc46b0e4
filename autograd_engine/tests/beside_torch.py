"""A function of tensors, run by the engine and by torch: value and two gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import src as ag


def compare(fn: Callable, *arrays: np.ndarray, second: bool = True) -> None:
    """`fn(lib, *tensors)` gives one tensor or several; float arrays get gradients."""
    ours, theirs = run(fn, ag, arrays, second), run(fn, torch, arrays, second)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


def run(fn: Callable, lib: Any, arrays: tuple, second: bool) -> list[np.ndarray]:
    tensors = [lib.tensor(a) for a in arrays]
    inputs = [t.requires_grad_() for t in tensors if t.dtype == lib.float64]
    out = fn(lib, *tensors)
    outputs = [out] if hasattr(out, "grad_fn") else list(out)
    found = [values(o) for o in outputs]
    loss = total(o * o * weights(lib, o) for o in outputs if o.requires_grad)
    if not inputs or loss is None:
        return found
    first = lib.autograd.grad if lib is torch else lib.grad
    grads = first(loss, inputs, create_graph=second, allow_unused=True)
    found += [values(g) for g in grads if g is not None]
    if second:
        norm = total(g * g for g in grads if g is not None)
        grads = first(norm, inputs, allow_unused=True)
        found += [values(g) for g in grads if g is not None]
    return found


def total(terms: Any) -> Any:
    out = None
    for term in terms:
        out = term.sum() if out is None else out + term.sum()
    return out


def weights(lib: Any, like: Any) -> Any:
    """Other weights for each element, so that a wrong order is seen."""
    count = int(np.prod(tuple(like.shape), dtype=int))
    return lib.tensor(np.cos(np.arange(count)).reshape(tuple(like.shape)))


def values(tensor: Any) -> np.ndarray:
    return np.array(tensor.detach().numpy())


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)
