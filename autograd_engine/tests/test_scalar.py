"""One Scalar at a time: values, gradients, constants, what is refused."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from micrograd.engine import Value

from src.scalar import Parameter, Scalar, derivative_check, topological_order


BINARY = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": lambda x, y: x**y,
}
METHODS = ["exp", "log", "tanh", "sigmoid", "relu"]
EDGES = [0.0, 1.0, -1.0, 2.5, -1000.0, 1000.0, 1e300, math.inf, -math.inf, math.nan]


def same(ours: float, theirs: float) -> bool:
    return ours == pytest.approx(theirs, rel=1e-12, abs=1e-300, nan_ok=True)


def leaf(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


def karpathy(number):
    """The expression of micrograd's README."""
    a, b = number(-4.0), number(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return a, b, g


@pytest.mark.parity("example of micrograd", "micrograd.engine.Value")
@pytest.mark.spec("AGE-002", "24.7041, 138.8338 and 645.5773")
def test_the_example_of_micrograd_gives_its_published_numbers(parity):
    a, b, g = karpathy(Scalar)
    g.backward()

    assert f"{g.data:.4f} {a.grad:.4f} {b.grad:.4f}" == "24.7041 138.8338 645.5773"
    a_, b_, g_ = karpathy(Value)
    g_.backward()
    parity.value(g.data, g_.data, atol=1e-14)
    parity.gradient((a.grad, b.grad), (a_.grad, b_.grad), atol=1e-14)


@pytest.mark.parity("Scalar, each operation", "torch")
@pytest.mark.spec("AGE-002", "equal torch's in float64")
@pytest.mark.parametrize("op", BINARY)
def test_binary_operations_equal_torch_also_at_the_edges(op, parity):
    for x in EDGES:
        for y in EDGES:
            ours, theirs = (Scalar(x), Scalar(y)), (leaf(x), leaf(y))
            mine, expected = BINARY[op](*ours), BINARY[op](*theirs)
            mine.backward()
            expected.backward()

            assert mine.op == op
            assert same(mine.data, expected.item()), (x, op, y)
            parity.value(mine.data, expected, atol=1e-12)
            for a, b in zip(ours, theirs, strict=True):
                assert same(a.grad, b.grad.item()), (x, op, y)
                parity.gradient(a.grad, b.grad, atol=1e-12)


@pytest.mark.spec("AGE-006", "A plain number in an operation is a constant")
@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("constant_first", [False, True])
def test_constants_equal_torch_and_are_no_nodes(op, constant_first):
    def apply(x, y):
        return BINARY[op](y, x) if constant_first else BINARY[op](x, y)

    for x in EDGES:
        for constant in EDGES:
            ours, theirs = Scalar(x), leaf(x)
            mine = apply(ours, constant)
            # As a tensor: torch rounds `number / tensor` twice.
            expected = apply(theirs, leaf(constant).detach())
            mine.backward()
            expected.backward()

            assert mine.parents == (ours,)
            assert same(mine.data, expected.item()), (x, op, constant)
            assert same(ours.grad, theirs.grad.item()), (x, op, constant)


@pytest.mark.parity("Scalar, each operation", "torch")
@pytest.mark.spec("AGE-002", "equal torch's in float64")
@pytest.mark.parametrize("x", EDGES)
@pytest.mark.parametrize("name", [*METHODS, "neg", "softplus"])
def test_functions_equal_torch_also_at_the_edges(name, x, parity):
    ours, theirs = Scalar(x), leaf(x)
    if name == "neg":
        mine, expected = -ours, -theirs
    else:
        mine = getattr(ours, name)()
        expected = getattr(torch.nn.functional, name, getattr(torch, name, None))(
            theirs
        )
    mine.backward()
    expected.backward()

    assert mine.op == name
    assert same(mine.data, expected.item())
    assert same(ours.grad, theirs.grad.item())
    parity.value(mine.data, expected, atol=1e-12)
    parity.gradient(ours.grad, theirs.grad, atol=1e-12)


@pytest.mark.parametrize("name", METHODS)
def test_functions_pass_the_derivative_check(name):
    for x in (0.3, 1.7, 4.0) if name == "log" else (-2.0, -0.3, 0.4, 3.0):
        derivative_check(lambda x: getattr(x, name)(), Scalar(x))


@pytest.mark.parametrize("op", BINARY)
def test_binary_operations_pass_the_derivative_check(op):
    for x, y in ((0.5, 2.0), (3.0, -1.5), (1.2, 0.7)):
        derivative_check(BINARY[op], Scalar(x), Scalar(y))


def test_exp_hands_on_its_output_not_its_input():
    x = Scalar(2.0)
    y = x.exp()
    y.backward()

    assert x.grad == y.data == math.exp(2.0)


@pytest.mark.spec("AGE-005", "Leaves add up gradients")
@pytest.mark.spec("AGE-005", "exactly twice the gradient")
def test_a_second_backward_gives_exactly_twice_the_gradient_of_leaves():
    a, b, g = karpathy(Scalar)
    g.backward()
    once = a.grad, b.grad
    inner = [node.grad for node in topological_order(g) if node.parents]
    g.backward()

    assert (a.grad, b.grad) == (2 * once[0], 2 * once[1])
    assert [node.grad for node in topological_order(g) if node.parents] == inner
    a.zero_grad()
    g.backward()
    assert (a.grad, b.grad) == (once[0], pytest.approx(3 * once[1], rel=1e-15))


def test_two_results_add_their_gradients_in_a_shared_leaf():
    x = Scalar(3.0)
    shared = x * 2
    (shared * 5).backward()
    (shared * 7).backward()

    assert (x.grad, shared.grad) == (24.0, 7.0)


def test_backward_of_a_leaf_and_with_a_gradient_given():
    x = Scalar(3.0)
    x.backward()
    (x * x).backward(gradient=0.5)

    assert x.grad == 1.0 + 0.5 * 6.0


@pytest.mark.spec("AGE-006", "what is no real number is a TypeError")
@pytest.mark.parametrize("wrong", ["3", None, [1.0], 1j, np.ones(2)])
def test_what_is_no_real_number_is_refused(wrong):
    with pytest.raises(TypeError, match="Scalar takes a real number"):
        Scalar(wrong)
    for operation in BINARY.values():
        with pytest.raises(TypeError):
            operation(Scalar(1.0), wrong)
        with pytest.raises(TypeError):
            operation(wrong, Scalar(1.0))


@pytest.mark.parametrize(
    "number", [2, True, np.float32(0.1), np.float64(0.1), np.int64(3), Fraction(1, 3)]
)
def test_real_numbers_of_any_kind_become_floats(number):
    x = Scalar(1.5)
    for operation in BINARY.values():
        for result in (operation(x, number), operation(number, x)):
            assert type(result) is Scalar and type(result.data) is float
    assert (x * number).data == 1.5 * float(number)
    assert type(Scalar(number).data) is float


def test_a_scalar_is_not_turned_into_a_float_behind_the_users_back():
    with pytest.raises(TypeError):
        math.exp(Scalar(1.0))
    with pytest.raises(TypeError):
        Scalar(Scalar(1.0))


@pytest.mark.spec("AGE-006", "Comparisons give a bool")
def test_comparisons_give_bools():
    x, y = Scalar(1.0), Scalar(2.0)

    assert x < y and x <= y and y > x and y >= x and x != y
    assert x == Scalar(1.0) and x == 1 and 2 >= y and x < 1.5
    assert all(type(each) is bool for each in (x < y, x == y, x >= 1, x != 2))
    assert Scalar(math.nan) != Scalar(math.nan)
    assert x != "1" and x is not None and not Scalar(0.0) and x


def test_equal_values_are_different_nodes_in_sets_and_dicts():
    assert len({Scalar(1.0), Scalar(1.0)}) == 2
    x = Scalar(1.0)
    y = x + Scalar(1.0)
    y.backward()
    assert x.grad == 1.0


def test_repr_and_op_show_what_is_known():
    x = Scalar(2, name="x")
    product = x * 3
    product.backward()

    assert repr(x) == "Scalar(data=2.0, grad=3.0, name='x')"
    assert repr(product) == "Scalar(data=6.0, grad=1.0)"
    assert repr(Parameter(1.5)) == "Parameter(data=1.5, grad=0.0)"
    shown = [x.op, product.op, (2 / x).op, (x**0.5).op, (1 - x).op, (x + x).op]
    assert shown == ["", "* 3", "2 /", "** 0.5", "1 -", "+"]


def test_a_misspelt_attribute_is_an_error():
    with pytest.raises(AttributeError):
        Scalar(1.0).gard = 0.0
