"""Operators on floats, beside torch in float64."""

import math
import operator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.scalar import central_difference, operators


INF, NAN = math.inf, math.nan
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 40.0, 1e300, -1e300, 1e-300]
EDGES += [1000.0, -1000.0, INF, -INF, NAN]
UNARY = {
    "neg": torch.neg,
    "id": torch.clone,
    "inv": torch.reciprocal,
    "log": torch.log,
    "exp": torch.exp,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "softplus": torch.nn.functional.softplus,
}
BINARY = {
    "add": torch.add,
    "mul": torch.mul,
    "div": torch.div,
    "pow": torch.pow,
    "max": torch.maximum,
    "lt": torch.lt,
    "eq": torch.eq,
}
WITH_RULE = [name for name in UNARY if hasattr(operators, f"{name}_back")]


def same(ours: float, theirs: float) -> bool:
    return ours == pytest.approx(theirs, rel=1e-13, abs=1e-300, nan_ok=True)


def leaf(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


@pytest.mark.parity("operators of floats", "torch")
@pytest.mark.spec("AGE-001", "equals torch's in float64")
@pytest.mark.spec("AGE-001", "none raises for a float")
@pytest.mark.parametrize("x", EDGES)
@pytest.mark.parametrize("name", UNARY)
def test_unary_operators_equal_torch_also_at_the_edges(name, x, parity):
    argument = leaf(x)
    expected = UNARY[name](argument)

    ours = getattr(operators, name)(x)
    assert same(ours, expected.item())
    parity.value(ours, expected, atol=1e-13)
    if name in WITH_RULE:
        expected.backward()
        slope = getattr(operators, f"{name}_back")(x, 1.0)
        assert same(slope, argument.grad.item())
        parity.gradient(slope, argument.grad, atol=1e-13)


@pytest.mark.parity("operators of floats", "torch")
@pytest.mark.spec("AGE-001", "equals torch's in float64")
@pytest.mark.parametrize("name", BINARY)
def test_binary_operators_equal_torch_also_at_the_edges(name, parity):
    for x in EDGES:
        for y in EDGES:
            expected = float(BINARY[name](leaf(x), leaf(y)).detach())
            ours = getattr(operators, name)(x, y)
            assert same(ours, expected), (name, x, y)
            parity.value(ours, expected, atol=1e-13)


@pytest.mark.parity("operators of floats", "torch")
@pytest.mark.spec("AGE-001", "equals torch's in float64")
@pytest.mark.parametrize("name", ["div", "pow"])
def test_binary_rules_equal_torch_also_at_the_edges(name, parity):
    for x in EDGES:
        for y in EDGES:
            arguments = leaf(x), leaf(y)
            BINARY[name](*arguments).backward()
            ours = getattr(operators, f"{name}_back")(x, y, 1.0)
            for mine, argument in zip(ours, arguments, strict=True):
                assert same(mine, argument.grad.item()), (name, x, y)
                parity.gradient(mine, argument.grad, atol=1e-13)


@pytest.mark.spec("AGE-001", "a central difference away from kinks")
@pytest.mark.parametrize("name", WITH_RULE)
@given(x=st.floats(0.1, 5.0), sign=st.sampled_from([1, -1]), d=st.floats(-3.0, 3.0))
def test_rules_equal_central_differences(name, x, sign, d):
    x = x if name == "log" else sign * x
    numeric = central_difference(getattr(operators, name), x)

    analytic = getattr(operators, f"{name}_back")(x, d)

    assert analytic == pytest.approx(d * numeric, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("arg", [0, 1])
@given(x=st.floats(0.2, 3.0), y=st.floats(-3.0, 3.0), d=st.floats(-3.0, 3.0))
def test_the_rule_of_pow_equals_central_differences(arg, x, y, d):
    numeric = central_difference(operators.pow, x, y, arg=arg)

    analytic = operators.pow_back(x, y, d)[arg]

    assert analytic == pytest.approx(d * numeric, rel=1e-6, abs=1e-7)


@given(st.floats(-1e4, 1e4))
def test_sigmoid_is_symmetric_and_softplus_its_integral(x):
    assert operators.sigmoid(-x) == pytest.approx(1 - operators.sigmoid(x), abs=1e-15)
    difference = operators.softplus(x) - operators.softplus(-x)
    assert difference == pytest.approx(x, rel=1e-12, abs=1e-12)


def test_is_close_takes_a_tolerance():
    assert operators.is_close(1.0, 1.009)
    assert not operators.is_close(1.0, 1.009, tolerance=1e-3)
    assert not operators.is_close(NAN, NAN)


@given(st.lists(st.floats(-10, 10)))
def test_lists_are_built_from_map_zip_with_and_reduce(xs):
    ys = xs[::-1]

    assert operators.neg_list(xs) == [-x for x in xs]
    assert operators.add_lists(xs, ys) == [x + y for x, y in zip(xs, ys, strict=True)]
    assert operators.sum(xs) == pytest.approx(math.fsum(xs), abs=1e-9)
    assert operators.prod(xs) == pytest.approx(math.prod(xs))


def test_reduce_goes_from_left_to_right():
    assert operators.reduce(operator.sub, 10)([1, 2, 3]) == 4
    assert operators.sum([]) == 0 and operators.prod([]) == 1


def test_map_and_zip_with_take_any_iterable():
    assert operators.map(str)(range(3)) == ["0", "1", "2"]
    assert operators.zip_with(operators.mul)(iter([1, 2]), (3, 4)) == [3, 8]


def test_zip_with_names_both_lengths():
    with pytest.raises(ValueError, match="lists of 2 and 3 numbers"):
        operators.add_lists([1, 2], [1, 2, 3])
