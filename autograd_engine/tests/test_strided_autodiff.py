"""History, backward and the face of the strided `Tensor`."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.strided import Function, tensor
from src.strided import functions as F


@pytest.mark.spec(
    "AGE-016", "Numbers, data and the results of comparisons are constants"
)
def test_constants_are_leaves_without_gradient():
    x = tensor([1.0, -2.0], requires_grad=True)
    data = tensor([3.0, 4.0])
    mask = x > 0
    ((x * data + 5) * mask).sum().backward()
    assert x.grad.tolist() == [3.0, 0.0]
    for constant in (data, mask, data * 2 + 1):
        assert constant.is_leaf and constant.grad is None
        assert not constant.requires_grad
    for call in (data.sum(), mask.sum()):
        with pytest.raises(RuntimeError, match="nothing that made it asks for a grad"):
            call.backward()


@pytest.mark.spec("AGE-016", "a tensor used several times gets the sum")
def test_a_shared_tensor_gets_the_sum_and_no_buffer_is_shared():
    a, b = tensor([2.0], requires_grad=True), tensor([3.0], requires_grad=True)
    c = a + b
    d = a * 3
    (c + d).sum().backward()
    assert (a.grad.item(), b.grad.item()) == (4.0, 1.0)
    (a + b).sum().backward()
    assert (a.grad.item(), b.grad.item()) == (5.0, 2.0)
    assert a.grad is not b.grad


@pytest.mark.spec("AGE-016", "a tensor used several times gets the sum")
@settings(max_examples=60)
@given(st.lists(st.tuples(*[st.integers(0, 30)] * 3), min_size=1, max_size=12))
def test_random_graphs_agree_with_torch(plan):
    shapes = [(2, 3), (3,), (2, 1), ()]
    arrays = [np.random.default_rng(i).normal(size=s) for i, s in enumerate(shapes)]
    ours = [tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    grown = []
    for leaves in (ours, theirs):
        nodes = list(leaves)
        for kind, i, j in plan:
            a, b = nodes[i % len(nodes)], nodes[j % len(nodes)]
            rules = [a + b, a * b.tanh(), a - b, a.sigmoid() * a, -b + a.sum()]
            nodes.append(rules[kind % len(rules)])
        total = nodes[-1].sum()
        for node in nodes[:-1]:
            total = total + node.mean()
        total.backward()
        grown.append(total)
    assert grown[0].item() == pytest.approx(grown[1].item(), rel=1e-9)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), 1e-9, 1e-9)


@pytest.mark.spec("AGE-017", "20,000 operations is differentiated without recursion")
def test_a_long_chain():
    x = tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    y.backward()
    assert y.item() == 20_001 and x.grad.item() == 1
    del y


@pytest.mark.spec("AGE-017", "a second backward through a freed graph is refused")
def test_a_second_backward_says_what_to_pass():
    x = tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    with pytest.raises(RuntimeError, match="pass retain_graph=True to the first"):
        y.backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_backward_of_more_than_one_element_needs_a_gradient():
    x = tensor([[1.0, 2.0]], requires_grad=True)
    y = x * 3
    with pytest.raises(RuntimeError, match=r"shape \(1, 2\) has 2 elements, not 1"):
        y.backward()
    with pytest.raises(RuntimeError, match=r"gradient has shape \(2,\) on 'simple'"):
        y.backward(tensor([1.0, 1.0]))
    y.backward(tensor([[1.0, 10.0]]))
    assert x.grad.tolist() == [[3.0, 30.0]]


def test_an_operation_of_your_own_and_its_mistakes():
    class Double(Function):
        def forward(ctx, a):
            ctx.factor = 2.0
            return (a.detach() * ctx.factor).data

        def backward(ctx, grad):
            return grad * ctx.factor

    class TwoGradients(Double):
        def backward(ctx, grad):
            return grad, grad

    class WrongShape(Double):
        def backward(ctx, grad):
            return grad[:1]

    x = tensor([1.0, 2.0], requires_grad=True)
    Double.apply(x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="TwoGradients.backward gave 2 gradients"):
        TwoGradients.apply(x).sum().backward()
    with pytest.raises(RuntimeError, match=r"of shape \(1,\) for an .* \(2,\)"):
        WrongShape.apply(x).sum().backward()


def test_every_differentiable_function_has_its_own_backward():
    for name, kind in vars(F).items():
        if isinstance(kind, type) and issubclass(kind, Function) and name != "Function":
            assert kind.differentiable == (kind.backward is not Function.backward), name


def test_detach_shares_values_and_drops_history():
    x = tensor([1.0, 2.0], requires_grad=True)
    y = (x * 2).detach()
    assert y.is_leaf and not y.requires_grad and y.tolist() == [2.0, 4.0]
    with pytest.raises(RuntimeError, match="made by an operation"):
        (x * 2).requires_grad_()


def test_printing_shows_values():
    x = tensor([[1.0, 2.5], [3.0, 4.0]], requires_grad=True)
    assert repr(x.permute(1, 0)) == (
        "tensor([[1. , 3. ],\n        [2.5, 4. ]], "
        "backend='simple', requires_grad=True)"
    )
    assert repr(tensor(2)) == "tensor(2., backend='simple')"


def test_rows_length_truth_and_hash():
    x = tensor([[1.0, 2.0], [3.0, 4.0]])
    assert [row.tolist() for row in x] == [[1.0, 2.0], [3.0, 4.0]]
    assert len(x) == 2 and x.numel() == 4 and x.ndim == 2
    assert len({x, x, tensor(1.0)}) == 2
    assert bool(tensor([1.0])) and not tensor(0.0)
    assert x.dtype == np.float64


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda x: tensor([[1.0], [1.0, 2.0]]), ValueError, "inhomogeneous"),
        (lambda x: tensor(["1"]), TypeError, "real numbers; got <U1"),
        (lambda x: tensor(1j), TypeError, "got complex128"),
        (lambda x: tensor(x), TypeError, "use .detach"),
        (lambda x: x + np.ones(3), TypeError, "does not support ufuncs|unsupported"),
        (lambda x: np.ones(3) * x, TypeError, "does not support ufuncs|unsupported"),
        (lambda x: x + "a", TypeError, "unsupported operand"),
        (lambda x: x @ 2, TypeError, "unsupported operand"),
        (lambda x: x**x, TypeError, "unsupported operand"),
        (lambda x: x.item(), RuntimeError, r"item: shape \(2, 3\) has 6"),
        (lambda x: bool(x), RuntimeError, "has 6 elements"),
        (lambda x: len(x[0, 0]), TypeError, "without axes"),
        (lambda x: list(x[0, 0]), TypeError, "without axes"),
        (lambda x: x @ x, RuntimeError, r"matmul: shapes \(2, 3\) and \(2, 3\) do not"),
        (lambda x: x @ tensor(1.0), RuntimeError, "both need an axis"),
        (
            lambda x: x + tensor([1.0, 2.0]),
            RuntimeError,
            r"add: .* axis -1 has",
        ),
        (lambda x: x.__setitem__(0, 1.0), TypeError, "writing into a tensor"),
        (lambda x: x.permute(0), RuntimeError, r"order \(0,\) must name each"),
        (lambda x: x.sum(1.0), TypeError, "sum: dim is 1.0, which is not an int"),
        (lambda x: x.transpose(0, 2), IndexError, "transpose: dim 2"),
        (lambda x: x.expand(3, 3), RuntimeError, r"\(2, 3\) and \(3, 3\)"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(call, kind, text):
    with pytest.raises(kind, match=text):
        call(tensor(np.ones((2, 3)), requires_grad=True))
