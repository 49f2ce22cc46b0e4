"""The loops of each backend against numpy, on every layout."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.strided import TensorData, get_backend, operators, tensor
from tests.strided_tools import (
    broadcast_shapes,
    every_backend,
    needs_numba,
    seeds,
    shapes,
    strided,
    values_of,
)


ROOT = Path(__file__).resolve().parents[1]
SPECIAL = [0.0, -0.0, 1.0, -1.5, 3.0, 1000.0, -1000.0, math.inf, -math.inf, math.nan]


def close(data, expected, backend):
    np.testing.assert_allclose(values_of(data, backend), expected, 1e-12, 1e-12)


@pytest.mark.spec("AGE-013", "equal numpy on every backend for any layout")
@every_backend
@given(shape=shapes, seed=seeds)
def test_map_of_any_layout(backend, shape, seed):
    array, data = strided(shape, seed, backend)
    close(get_backend(backend).map(operators.exp)(data), np.exp(array), backend)


@pytest.mark.spec("AGE-013", "broadcast, permuted, sliced")
@every_backend
@given(pair=broadcast_shapes(), seed=seeds, packed=st.booleans())
def test_zip_of_any_layout(backend, pair, seed, packed):
    ops = get_backend(backend)
    a, x = strided(pair[0], seed, backend)
    b, y = strided(pair[1], seed + 1, backend)
    if packed:
        x, y = ops.contiguous(x), ops.contiguous(y)
    close(ops.zip(operators.sub)(x, y), a - b, backend)


@pytest.mark.spec("AGE-013", "with axes of size 1, and empty")
@every_backend
@given(shape=shapes.filter(len), seed=seeds, data=st.data())
def test_reduce_of_any_layout(backend, shape, seed, data):
    ops, dim = get_backend(backend), data.draw(st.integers(-len(shape), len(shape) - 1))
    array, x = strided(shape, seed, backend)
    close(
        ops.reduce(operators.add, 0.0)(x, dim), array.sum(dim, keepdims=True), backend
    )
    biggest = array.max(dim, keepdims=True, initial=-np.inf)
    close(ops.reduce(operators.maximum, -math.inf)(x, dim), biggest, backend)


@pytest.mark.spec("AGE-013", "matmul equal numpy on every backend for any layout")
@every_backend
@given(pair=broadcast_shapes(), sides=st.tuples(*[st.integers(0, 9)] * 3), seed=seeds)
def test_matmul_of_any_layout(backend, pair, sides, seed):
    rows, inner, columns = sides
    a, x = strided((*pair[0][-2:], rows, inner), seed, backend)
    b, y = strided((*pair[1][-2:], inner, columns), seed + 1, backend)
    close(get_backend(backend).matrix_multiply(x, y), a @ b, backend)


@pytest.mark.numba
@needs_numba
@pytest.mark.parametrize("shape", [(70000,), (300, 257), (2, 40000), (40000, 3)])
def test_large_tensors_run_in_parallel_and_agree(shape):
    ops = get_backend("fast")
    array = np.random.default_rng(0).normal(size=shape)
    data = TensorData(array.reshape(-1).copy(), shape)
    turned, back = data.permute(range(len(shape))[::-1]), array.T
    row = TensorData(array[..., -1:].reshape(-1).copy(), (*shape[:-1], 1))
    close(ops.map(operators.exp)(turned), np.exp(back), "fast")
    close(ops.zip(operators.sub)(data, data), array - array, "fast")
    close(ops.zip(operators.sub)(data, row), array - array[..., -1:], "fast")
    for dim in range(len(shape)):
        total = array.sum(dim, keepdims=True)
        close(ops.reduce(operators.add, 0.0)(data, dim), total, "fast")
        top = back.max(dim, keepdims=True)
        close(ops.reduce(operators.maximum, -math.inf)(turned, dim), top, "fast")


@pytest.mark.numba
@needs_numba
@pytest.mark.parametrize("sides", [(65, 66, 67), (1, 700, 500), (129, 3, 801)])
def test_large_products_run_in_parallel_and_agree(sides):
    rows, inner, columns = sides
    a, x = strided((2, rows, inner), 0, "fast")
    b, y = strided((inner, columns), 1, "fast")
    close(get_backend("fast").matrix_multiply(x, y), a @ b, "fast")


REFERENCE = {
    "inv": lambda x: 1 / x,
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": lambda x: np.where(x < -700, 0, 1 / (1 + np.exp(-x))),
    "softplus": lambda x: np.logaddexp(0, x),
    "relu": lambda x: np.maximum(x, 0),
    "add": np.add,
    "mul": np.multiply,
    "div": np.divide,
    "power": np.power,
    "maximum": np.maximum,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "is_close": lambda x, y: np.isclose(x, y, 1e-5, 1e-8),
}


@every_backend
@pytest.mark.parametrize("name", REFERENCE)
def test_infinities_zeros_and_nan_follow_ieee(backend, name):
    rule, values = getattr(operators, name), np.array(SPECIAL)
    ops = get_backend(backend)
    data = TensorData(values, values.shape)
    column = TensorData(values, (len(values), 1))
    unary = rule.__code__.co_argcount == 1
    with np.errstate(all="ignore"):
        if unary:
            expected = REFERENCE[name](values)
        else:
            expected = REFERENCE[name](values[:, None], values)
    out = ops.map(rule)(data) if unary else ops.zip(rule)(column, data)
    np.testing.assert_allclose(values_of(out, backend), expected, 1e-14, 1e-300)


@every_backend
def test_a_rule_of_your_own(backend):
    def hypotenuse(x, y):
        return math.sqrt(x * x + y * y)

    def scaled(x):
        return 3.0 * x

    ops = get_backend(backend)
    a, x = strided((2, 3), 0, backend)
    close(ops.zip(hypotenuse)(x, x), np.hypot(a, a), backend)
    close(ops.map(scaled)(x), 3 * a, backend)


@pytest.mark.spec("AGE-019", "Two backends in one operation are refused by name")
@pytest.mark.numba
@needs_numba
def test_two_backends_do_not_mix():
    a, b = tensor([1.0], requires_grad=True), tensor([2.0], backend="fast")
    for call in (lambda: a + b, lambda: b @ a, lambda: b < a):
        with pytest.raises(RuntimeError, match="'(simple|fast)' and another on '") as e:
            call()
        assert ".to(backend)" in str(e.value) and "simple" in str(e.value)
    (a.to("fast") * b).backward()
    assert a.grad.item() == 2 and a.grad.backend == "simple"


@pytest.mark.spec("AGE-019", "a backend that needs numba or a GPU says so")
@pytest.mark.parametrize("backend", ["fast", "cuda"])
def test_without_numba_level_two_works_and_says_what_to_install(backend):
    program = (
        "import sys; sys.modules['numba'] = None\n"
        "from src.strided import tensor\n"
        "assert tensor([1.0, 2.0]).sum().item() == 3\n"
        f"tensor([1.0], backend={backend!r})\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: backend '{backend}' needs numba: pip install")


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match="'gpu' is none of simple, fast, cuda"):
        tensor([1.0], backend="gpu")
