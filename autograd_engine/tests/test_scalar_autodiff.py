"""Central differences, and the check that names what is wrong."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.scalar import Scalar, central_difference, derivative_check, make_node


@pytest.mark.spec("AGE-007", "an error of the order of h^2")
@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
def test_central_differences_of_a_cubic(x, y):
    def f(x, y):
        return x**3 * y + y * y

    epsilon = 1e-3
    by_x, by_y = (central_difference(f, x, y, arg=i, epsilon=epsilon) for i in (0, 1))

    h = epsilon * max(1.0, abs(x))
    assert by_x == pytest.approx(3 * x**2 * y + y * h * h, rel=1e-9, abs=1e-9)
    assert by_y == pytest.approx(x**3 + 2 * y, rel=1e-9, abs=1e-9)


def test_central_differences_of_huge_arguments_and_of_scalars():
    assert central_difference(lambda x: 2 * x, 1e300) == pytest.approx(2.0)
    slope = central_difference(lambda x: Scalar(x).exp(), 1.0)
    assert slope == pytest.approx(math.e, rel=1e-9)


def test_central_differences_refuse_an_argument_that_is_not_there():
    with pytest.raises(IndexError, match="there is no argument 2; f got 2"):
        central_difference(lambda x, y: x, 1.0, 2.0, arg=2)


def test_derivative_check_passes_what_is_right_and_touches_no_argument():
    x, y = Scalar(0.7, name="x"), Scalar(-1.2)
    derivative_check(lambda x, y: (x * y).tanh() + x / (y * y + 1), x, y)
    derivative_check(lambda x: x, x)

    assert (x.grad, y.grad) == (0.0, 0.0)


def wrong(factor):
    """x y, whose gradient in y is `factor` times what it should be."""

    def multiply(x, y):
        local = (y.data, factor * x.data)
        return make_node(x.data * y.data, (x, y), local, "wrong")

    return multiply


@pytest.mark.spec("AGE-007", "the argument, its value, the analytic and the numeric")
@pytest.mark.parametrize(
    ("factor", "cause"),
    [
        (2.0, "2 times too much: is a path counted more than once?"),
        (0.5, "1/2 of it: is a path overwritten, not added?"),
        (-1.0, "the sign is wrong"),
        (0.0, "nothing arrives"),
        (1.37, "ratio 1.37"),
    ],
)
def test_derivative_check_names_what_is_wrong(factor, cause):
    with pytest.raises(AssertionError) as caught:
        derivative_check(wrong(factor), Scalar(3.0), Scalar(4.0, name="speed"))

    text = str(caught.value)
    assert "argument 1 (speed) at (3.0, 4.0)" in text
    assert f"backward gives {3 * factor:.10g}, the central difference 3" in text
    assert cause in text


def test_derivative_check_refuses_nan():
    with pytest.raises(AssertionError, match="backward gives nan"):
        derivative_check(lambda x: x * math.nan, Scalar(1.0))


def test_derivative_check_refuses_a_result_that_is_no_scalar():
    with pytest.raises(TypeError, match=r"f returned 2\.0, which is no Scalar"):
        derivative_check(lambda x: 2.0, Scalar(1.0))
