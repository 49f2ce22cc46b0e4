"""An operation of ours beside torch's: value, gradients, gradients of gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import src as ag


def agree(
    ours: Callable,
    theirs: Callable,
    arrays: list[np.ndarray],
    *,
    second: bool = True,
    tolerance: float = 1e-10,
    parity: Any = None,
) -> None:
    """Both give the same from the same float64 arrays, to `tolerance`.

    Floating arrays ask for gradients. The gradients are those of a random sum of the
    results; `second` differentiates a random sum of them once more. The fixture
    `parity` keeps the largest errors of first values and gradients.
    """
    mine = [ag.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    yours = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    got, wanted = as_tuple(ours(*mine)), as_tuple(theirs(*yours))
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        close(a, b, tolerance, "value", parity and parity.value)
    left = [t for t in mine if t.requires_grad]
    right = [t for t in yours if t.requires_grad]
    assert [t.requires_grad for t in got] == [t.requires_grad for t in wanted]
    got, wanted = ([t for t in ts if t.requires_grad] for ts in (got, wanted))
    if not got:
        return
    total = random_sum(got, ag.tensor)
    total_t = random_sum(wanted, torch.tensor)
    first = ag.grad(total, left, retain_graph=True, allow_unused=True)
    first_t = torch.autograd.grad(
        total_t, right, retain_graph=True, create_graph=second, allow_unused=True
    )
    for a, b in zip(first, first_t, strict=True):
        close(a, b, tolerance, "gradient", parity and parity.gradient)
    if second:
        compare_second(total, left, first_t, right, tolerance)


def compare_second(total, left, first_t, right, tolerance: float) -> None:
    first = ag.grad(total, left, create_graph=True, allow_unused=True)
    for a, b in zip(first, first_t, strict=True):
        close(a, b, tolerance, "gradient through the plain form")
    kept = [(a, b) for a, b in zip(first, first_t, strict=True) if b is not None]
    kept = [(a, b) for a, b in kept if b.requires_grad]
    if not kept:
        return
    total = random_sum([a for a, _ in kept], ag.tensor)
    found = [None] * len(left)  # a rule of constants: nothing left to differentiate
    if total.requires_grad:
        found = ag.grad(total, left, allow_unused=True)
    wanted = torch.autograd.grad(
        random_sum([b for _, b in kept], torch.tensor), right, allow_unused=True
    )
    for a, b in zip(found, wanted, strict=True):
        close(a, b, 10 * tolerance, "second gradient")


def random_sum(tensors: Any, wrap: Callable) -> Any:
    """The same random weights for both libraries."""
    rng, total = np.random.default_rng(7), None
    for tensor in tensors:
        weights = rng.standard_normal(tuple(tensor.shape))
        part = (tensor * wrap(weights)).sum()
        total = part if total is None else total + part
    return total


def close(a: Any, b: Any, tolerance: float, what: str, keep: Any = None) -> None:
    if a is None or b is None:  # no gradient is a gradient of zeros
        given = [t.detach().numpy() for t in (a, b) if t is not None]
        assert not any(array.any() for array in given), f"{what}: {a} instead of {b}"
        return
    a, b = a.detach().numpy(), b.detach().numpy(force=True)
    assert a.shape == b.shape, f"{what}: {a.shape} instead of {b.shape}"
    assert a.dtype == b.dtype, f"{what}: {a.dtype} instead of {b.dtype}"
    assert np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True), (
        f"{what} differs: {a} instead of {b}"
    )
    if keep and a.size:
        keep(a, b, atol=tolerance)


def as_tuple(value: Any) -> tuple:
    if isinstance(value, (tuple, list)):
        return tuple(part for v in value for part in as_tuple(v))
    return (value,)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape) * scale
