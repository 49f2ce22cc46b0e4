"""The CUDA kernels, in numba's simulator and on a GPU where there is one.

The simulator must be chosen before numba is imported: this file is also the program
that the test starts.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.strided_tools import needs_numba


ROOT = Path(__file__).resolve().parents[1]


def check_everything() -> None:
    """Each kernel against numpy, and a training step against the simple backend."""
    check_map_and_zip()
    check_reduce()
    check_matmul()
    check_conv()
    check_gradients()


def check_map_and_zip() -> None:
    from src.strided import operators
    from src.strided.tensor_ops import get_backend
    from tests.strided_tools import strided, values_of

    ops = get_backend("cuda")
    for shape in [(), (2, 3, 4), (0, 3), (1, 258)]:
        array, data = strided(shape, 0, "cuda")
        out = ops.map(operators.exp)(data)
        np.testing.assert_allclose(values_of(out, "cuda"), np.exp(array), 1e-12)
    for first, second in [((2, 3), (2, 3)), ((4, 1), (3,)), ((), (2, 2))]:
        a, x = strided(first, 0, "cuda")
        b, y = strided(second, 1, "cuda")
        out = ops.zip(operators.sub)(x, y)
        np.testing.assert_allclose(values_of(out, "cuda"), a - b, 1e-12)


def check_reduce() -> None:
    from src.strided import operators
    from src.strided.tensor_ops import get_backend
    from tests.strided_tools import strided, values_of

    ops = get_backend("cuda")
    for shape in [(1,), (257,), (3, 5), (0, 2), (2, 1, 3)]:
        array, data = strided(shape, 0, "cuda")
        for dim in range(len(shape)):
            out = ops.reduce(operators.add, 0.0)(data, dim)
            expected = array.sum(dim, keepdims=True)
            np.testing.assert_allclose(values_of(out, "cuda"), expected, 1e-11, 1e-11)
    array, data = strided((1030,), 0, "cuda")
    out = ops.reduce(operators.maximum, -np.inf)(data, 0)
    assert values_of(out, "cuda") == array.max()


def check_matmul() -> None:
    from src.strided.tensor_ops import get_backend
    from tests.strided_tools import strided, values_of

    ops = get_backend("cuda")
    for first, second in [
        ((17, 3), (3, 2)),
        ((2, 19), (19, 17)),
        ((2, 1, 2, 3), (2, 3, 2)),
        ((2, 0), (0, 3)),
    ]:
        a, x = strided(first, 0, "cuda")
        b, y = strided(second, 1, "cuda")
        out = ops.matrix_multiply(x, y)
        np.testing.assert_allclose(values_of(out, "cuda"), a @ b, 1e-11, 1e-11)


def check_conv() -> None:
    from src.strided import nn, tensor

    random = np.random.default_rng(0)
    arrays = [random.normal(size=(1, 2, 3, 3)), random.normal(size=(2, 2, 2, 2))]
    results = []
    for backend in ("simple", "cuda"):
        pair = [tensor(a, backend=backend, requires_grad=True) for a in arrays]
        out = nn.conv2d(*pair)
        (out * out).sum().backward()
        results.append([out.numpy(), *(p.grad.numpy() for p in pair)])
    for expected, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, expected, 1e-11, 1e-11)


def check_gradients() -> None:
    from src.strided import MLP

    random = np.random.default_rng(0)
    weights = [random.normal(size=(2, 3)), random.normal(size=(3, 1))]
    biases = [random.normal(size=3), random.normal(size=1)]
    x, y = random.normal(size=(5, 2)), np.array([0, 1, 1, 0, 1])
    losses = []
    for backend in ("simple", "cuda"):
        model = MLP(weights, biases, backend)
        for _ in range(2):
            loss = model.loss(x, y)
            loss.backward()
            model.step(0.5)
            losses.append(loss.item())
    np.testing.assert_allclose(losses[2:], losses[:2], 1e-12)


@pytest.mark.spec("AGE-014", "reduce an axis of any size and multiply matrices")
@pytest.mark.numba
@needs_numba
def test_the_kernels_are_right_in_the_simulator():
    run = subprocess.run(
        [sys.executable, "-m", "tests.test_strided_cuda"],
        cwd=ROOT,
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "right"


@pytest.mark.numba
@needs_numba
def test_the_kernels_are_right_on_a_gpu():
    from numba import cuda

    if not cuda.is_available():
        pytest.skip("there is no GPU that numba can use")
    check_everything()


@pytest.mark.spec("AGE-019", "a backend that needs numba or a GPU says so")
@pytest.mark.numba
@needs_numba
def test_without_a_gpu_the_backend_says_what_to_do():
    from numba import cuda

    from src.strided import tensor

    if cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(RuntimeError, match="found no GPU .* NUMBA_ENABLE_CUDASIM=1"):
        tensor([1.0], backend="cuda")


if __name__ == "__main__":
    check_everything()
    print("right")
