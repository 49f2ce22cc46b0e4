"""gradcheck finds planted faults and names them; right gradients pass."""

import numpy as np
import pytest

import src as ag
from src.engine.gradcheck import GradcheckError, gradcheck, gradgradcheck


def leaf(*shape, seed=0):
    values = np.random.default_rng(seed).uniform(0.5, 1.5, shape)
    return ag.tensor(values, requires_grad=True)


def faulty(rule):
    """The square, broadcast to two rows, with `rule` as its backward."""

    class Square(ag.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return np.broadcast_to(x.data**2, (2, *x.shape)).copy()

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return rule(grad, x)

    return Square.apply


def right(grad, x):
    return (grad * x * 2).sum(0)


FAULTS = {
    "counted 2 times": lambda grad, x: right(grad, x) * 2,
    "counted 3 times": lambda grad, x: right(grad, x) * 3,
    "the sign": lambda grad, x: -right(grad, x),
    "a constant factor 1.25": lambda grad, x: right(grad, x) * 1.25,
    "missing unbroadcast": lambda grad, x: (grad * x * 2).mean(0),
    "no gradient arrives": lambda grad, x: right(grad, x) * 0,
    "the rule itself": lambda grad, x: grad.sum(0) * x * x,
    "0/0": lambda grad, x: right(grad, x) * float("nan"),
}


@pytest.mark.spec("AGE-032", "the likely cause: counted twice, missing unbroadcast")
@pytest.mark.parametrize("cause", FAULTS)
def test_a_planted_fault_is_named(cause):
    fn = faulty(FAULTS[cause])
    with pytest.raises(GradcheckError, match=cause):
        gradcheck(fn, [leaf(3)])


@pytest.mark.spec("AGE-032", "names the input, the element, the ratio")
def test_the_message_names_input_element_and_ratio():
    wrong = faulty(FAULTS["counted 2 times"])
    with pytest.raises(GradcheckError, match=r"input 1\[0\].*ratio 2 "):
        gradcheck(lambda a, b: a * wrong(b), [leaf(3), leaf(3, seed=1)])


def test_right_gradients_pass_and_wrong_ones_can_be_asked_for_quietly():
    assert gradcheck(faulty(right), [leaf(3)])
    assert not gradcheck(faulty(FAULTS["the sign"]), [leaf(3)], raise_exception=False)


def test_second_derivatives_pass_and_a_wrong_one_is_found():
    assert gradgradcheck(lambda x, y: (x * y).exp() / x, [leaf(2), leaf(2, seed=1)])
    # The gradient is right, but written so that its own derivative is lost.
    fn = faulty(lambda grad, x: (grad * x.detach() * 2).sum(0))
    assert gradcheck(fn, [leaf(2)])
    with pytest.raises(GradcheckError, match="no gradient arrives"):
        gradgradcheck(fn, [leaf(2)])


def test_differences_need_float64_and_an_input_to_check():
    with pytest.raises(ValueError, match="float64"):
        gradcheck(lambda x: x, [ag.tensor([1.0], requires_grad=True)])
    with pytest.raises(ValueError, match="no input requires gradients"):
        gradcheck(lambda x: x, [ag.tensor([1.0])])


def test_several_outputs_and_empty_inputs():
    assert gradcheck(lambda x: (x * 2, x.exp()), [leaf(2)])
    assert gradcheck(lambda x: x * 2, [leaf(0)])


def test_one_input_needs_no_list():
    assert gradcheck(lambda x: x.exp(), leaf(2))
    assert gradgradcheck(lambda x: x.exp(), leaf(2))
