"""Backends, random layouts and comparison with torch, for tests of `src.strided`."""

import importlib.util

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from src.strided import Tensor, TensorData, get_backend, tensor


HAS_NUMBA = importlib.util.find_spec("numba") is not None
needs_numba = pytest.mark.skipif(
    not HAS_NUMBA, reason="numba is not installed: pip install numba"
)
FAST = pytest.param("fast", marks=[pytest.mark.numba, needs_numba])
every_backend = pytest.mark.parametrize("backend", ["simple", FAST])

sizes = st.integers(0, 4) | st.just(1)
shapes = st.lists(sizes, max_size=4).map(tuple)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def broadcast_shapes(draw) -> tuple[tuple, tuple]:
    """Two shapes that broadcast: each drops or shrinks axes of one shape."""
    whole = draw(shapes)
    pair = []
    for _ in range(2):
        start = draw(st.integers(0, len(whole)))
        pair.append(tuple(draw(st.sampled_from([n, n, 1])) for n in whole[start:]))
    return pair[0], pair[1]


def strided(shape: tuple, seed: int, backend: str = "simple"):
    """An array and the same values as TensorData: permuted, with gaps and an offset."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(shape)).tolist()
    step = random.integers(1, 3, len(shape)).tolist()
    wide = [shape[axis] * step[axis] + 1 for axis in order]
    values = random.normal(size=wide)
    back = np.argsort(order).tolist()
    cut = tuple(slice(1, 1 + n * s, s) for n, s in zip(shape, step, strict=True))
    ops = get_backend(backend)
    data = TensorData(ops.place(values.reshape(-1).copy()), wide)
    return values.transpose(back)[cut], data.permute(back).select(cut)


def values_of(data: TensorData, backend: str) -> np.ndarray:
    return Tensor(data, get_backend(backend)).numpy()


def compare_with_torch(ours, theirs, arrays, backend, parity, tolerance=1e-10):
    """Values and gradients of both functions of the same arrays, some permuted."""
    for turned in (False, True):
        mine = [tensor(a, backend=backend, requires_grad=True) for a in arrays]
        other = [torch.tensor(a, requires_grad=True) for a in arrays]
        used = mine
        if turned:
            mine = [
                tensor(a.T.copy(order="C"), backend=backend, requires_grad=True)
                for a in arrays
            ]
            used = [t.permute(*reversed(range(t.ndim))) for t in mine]
        out, expected = ours(*used), theirs(*other)
        assert out.shape == tuple(expected.shape)
        if expected.numel():
            parity.value(out.numpy(), expected, atol=tolerance)
        weight = np.random.default_rng(7).normal(size=out.shape)
        (out * tensor(weight, backend=backend)).sum().backward()
        (expected * torch.tensor(weight)).sum().backward()
        for t, o in zip(mine, other, strict=True):
            grad = t.grad.numpy().T if turned else t.grad.numpy()
            assert grad.shape == tuple(o.grad.shape)
            if o.numel():
                parity.gradient(grad, o.grad, atol=tolerance)
