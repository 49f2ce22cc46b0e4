"""The dtype of a result is torch's: every pair of dtypes, rank and Python number."""

import operator
from itertools import product

import numpy as np
import pytest
import torch

import src as ag


DTYPES = "bool uint8 int8 int16 int32 int64 float16 float32 float64".split()
SHAPES = ((2,), ())
OPERATORS = {
    name: getattr(operator, name)
    for name in "add sub mul truediv floordiv mod pow eq lt".split()
}
FUNCTIONS = {
    "maximum": lambda m, x, y: m.maximum(x, y),
    "where": lambda m, x, y: m.where(m.tensor([True, False]), x, y),
    "cat": lambda m, x, y: m.cat([m.atleast_1d(x), m.atleast_1d(y)]),
    "stack": lambda m, x, y: m.stack([x, y]),
    "atan2": lambda m, x, y: m.atan2(x, y),
    "clamp": lambda m, x, y: m.clamp(x, y),
}
CALLS = FUNCTIONS | {
    name: lambda m, x, y, call=call: call(x, y) for name, call in OPERATORS.items()
}


def made(engine, dtype, shape):
    values = np.ones(shape, dtype)
    return engine.from_numpy(values) if engine is ag else torch.tensor(values)


def result(engine, call, *args):
    """The dtype of the result, or that it was refused."""
    try:
        out = call(engine, *args)
    except (RuntimeError, TypeError, NotImplementedError):
        return "refused"
    return str(out.dtype).removeprefix("torch.")


@pytest.mark.spec("AGE-035", "torch's for every pair of dtypes, ranks")
@pytest.mark.parametrize("name", CALLS)
def test_every_pair_of_dtypes_and_ranks(name):
    different, refused = [], 0
    for a, b, s, t in product(DTYPES, DTYPES, SHAPES, SHAPES):
        if name == "stack" and s != t:
            continue
        pairs = [(made(e, a, s), made(e, b, t)) for e in (torch, ag)]
        theirs = result(torch, CALLS[name], *pairs[0])
        ours = result(ag, CALLS[name], *pairs[1])
        refused += ours == "refused" != theirs
        if ours != theirs and ours != "refused":
            different.append((a, s, b, t, ours, theirs))

    assert different == []
    assert refused <= 20


@pytest.mark.spec("AGE-035", "and Python numbers")
@pytest.mark.parametrize("name", OPERATORS)
def test_every_dtype_beside_python_numbers(name):
    different = []
    for dtype, shape, number in product(DTYPES, SHAPES, (True, 2, 2.5)):
        for call in (
            lambda _, x, y: OPERATORS[name](x, y),
            lambda _, x, y: OPERATORS[name](y, x),
        ):
            theirs = result(torch, call, made(torch, dtype, shape), number)
            ours = result(ag, call, made(ag, dtype, shape), number)
            if ours != theirs and "refused" not in (ours, theirs):
                different.append((dtype, shape, number, ours, theirs))

    assert different == []


REDUCTIONS = {
    "sum": lambda m, x: x.sum(),
    "sum over an axis": lambda m, x: x.sum(0),
    "mean": lambda m, x: x.mean(),
    "prod": lambda m, x: x.prod(),
    "cumsum": lambda m, x: x.cumsum(0),
    "max": lambda m, x: x.max(),
    "argmax": lambda m, x: x.argmax(),
    "exp": lambda m, x: x.exp(),
    "matmul": lambda m, x: x @ x,
    "sort": lambda m, x: x.sort()[0],
    "any": lambda m, x: x.any(),
}


@pytest.mark.spec("AGE-035", "The dtype of a result is torch's")
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_of_every_dtype(name):
    for dtype in DTYPES:
        theirs = result(torch, REDUCTIONS[name], made(torch, dtype, (3,)))
        ours = result(ag, REDUCTIONS[name], made(ag, dtype, (3,)))
        assert ours in (theirs, "refused"), dtype
        assert ours == theirs or name in ("matmul", "max", "argmax", "sort"), dtype


@pytest.mark.spec("AGE-035", "for every pair of dtypes")
@pytest.mark.parametrize(("a", "b"), list(product(DTYPES[-3:], repeat=2)))
def test_a_gradient_has_the_dtype_of_its_leaf(a, b):
    x, y = (ag.tensor(np.ones(2, d), requires_grad=True) for d in (a, b))
    (x * y + x.to(ag.float64)).sum().backward()

    assert (x.grad.dtype, y.grad.dtype) == (np.dtype(a), np.dtype(b))
    assert x.grad.tolist() == [2, 2]


def test_the_default_dtype_decides_for_python_floats_alone():
    ag.set_default_dtype(ag.float64)
    try:
        assert ag.tensor([1.5]).dtype == (ag.tensor([1]) / 2).dtype == ag.float64
        assert ag.tensor(np.ones(1, "f")).dtype == ag.float32
        assert (ag.tensor(np.ones(1, "f")) * 1.5).dtype == ag.float32
    finally:
        ag.set_default_dtype(ag.float32)
    assert ag.tensor([1.5]).dtype == ag.float32
    with pytest.raises(TypeError, match="floating"):
        ag.set_default_dtype(ag.int64)


def test_long_sums_of_half_precision_do_not_stop_growing():
    ones = np.ones(5000, np.float16)

    assert ag.from_numpy(ones).sum().item() == torch.tensor(ones).sum().item() == 5000
    assert ag.from_numpy(ones).mean().item() == 1


@pytest.mark.parametrize(
    "data",
    [
        1j,
        [1j],
        np.array([1j]),
        "1",
        ["1"],
        None,
        [None, 1],
        np.array([None]),
        object(),
        [[1], [1, 2]],
        np.array(["2020"], "datetime64[D]"),
        np.array([1], np.uint64),
    ],
    ids=repr,
)
def test_what_is_no_tensor_is_refused(data):
    with pytest.raises((TypeError, ValueError)):
        ag.tensor(data)
    for combine in (operator.add, operator.mul):
        if data is None or isinstance(data, (str, complex)):
            with pytest.raises(TypeError):
                combine(ag.tensor([1.0]), data)


def test_no_dtype_is_made_up():
    for name in ("complex64", "bfloat16"):
        assert not hasattr(ag, name)
    with pytest.raises(TypeError):
        ag.tensor([1.0], dtype=np.complex64)
    with pytest.raises(TypeError):
        ag.tensor([1.0]).to("bfloat16")
