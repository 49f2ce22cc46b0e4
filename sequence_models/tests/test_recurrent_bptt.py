"""The gradient by hand beside the plain loop, and where it is not taken."""

import pytest
import torch

from src.models import bptt, bptt_gru, bptt_lstm, bptt_rnn
from src.models.recurrent import CELLS, Recurrent
from tests.recurrent_reference import draw, gradients


BY_HAND = ["rnn_tanh", "rnn_relu", "lstm", "gru"]
FUNCTIONS = [bptt_rnn.RNNSteps, bptt_lstm.LSTMSteps, bptt_gru.GRUSteps]


def both(cell, features=3, hidden=4, layers=2, **options):
    torch.manual_seed(0)
    by_hand = Recurrent(cell, features, hidden, layers, **options)
    plain = Recurrent(cell, features, hidden, layers, explicit=True, **options)
    plain.load_state_dict(by_hand.state_dict())
    return by_hand.double(), plain.double()


def calls_of(monkeypatch, function) -> list:
    """Grows by one at each forward of the Function."""
    calls, forward = [], function.forward

    def counted(*args):
        calls.append(function)
        return forward(*args)

    monkeypatch.setattr(function, "forward", staticmethod(counted))
    return calls


@pytest.mark.spec("SEQ-034", "equals the plain loop's, of the input, the weights and")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cell", [*BY_HAND, "min_gru"])
def test_equals_the_plain_loop(cell, masked):
    by_hand, plain = both(cell, bidirectional=True)
    x, state = draw(by_hand)
    mask = torch.rand(4, 7) < 0.5 if masked else None

    found, expected = (
        ((y, *end), gradients((y, *end), [x, *state, *module.parameters()]))
        for module in (by_hand, plain)
        for y, end in [module(x, state, mask)]
    )

    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("cell", BY_HAND)
@pytest.mark.parametrize("part", [0, 1, 2])
def test_each_output_alone_has_its_gradient(cell, part):
    by_hand, plain = both(cell)
    x, state = draw(by_hand)
    part = min(part, by_hand.states)  # outputs, h, c

    found, expected = (
        gradients([(y, *end)[part]], [x, *state])
        for module in (by_hand, plain)
        for y, end in [module(x, state)]
    )

    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("cell", BY_HAND)
@pytest.mark.parametrize(
    "frozen", ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "x"]
)
def test_what_needs_no_gradient_gets_none(cell, frozen):
    by_hand, plain = both(cell, layers=1)
    x = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=frozen != "x")
    grads = []
    for module in (by_hand, plain):
        for name, parameter in module.cells[0].named_parameters():
            parameter.requires_grad_(name != frozen)
        module(x)[0].square().sum().backward()
        grads.append([p.grad for p in module.parameters()])

    torch.testing.assert_close(*grads, rtol=1e-10, atol=1e-10)


@pytest.mark.spec("SEQ-034", "a second derivative is refused by hand")
@pytest.mark.parametrize("cell", BY_HAND)
def test_second_derivative(cell):
    by_hand, plain = both(cell, layers=1)
    x = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)

    (d_x,) = torch.autograd.grad(by_hand(x)[0].square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        d_x.sum().backward()

    if cell != "rnn_relu":  # whose corners have no second derivative
        assert torch.autograd.gradgradcheck(lambda x: plain(x)[0], (x,))


def test_backward_twice_gives_the_same():
    module, _ = both("lstm")
    x, state = draw(module)
    y, end = module(x, state)

    loss = y.square().sum() + end[1].sum()
    first = torch.autograd.grad(loss, [x, *state], retain_graph=True)
    second = torch.autograd.grad(loss, [x, *state])

    torch.testing.assert_close(first, second, rtol=0, atol=0)


@pytest.mark.parametrize("cell", BY_HAND)
def test_is_what_runs(cell, monkeypatch):
    calls = [calls_of(monkeypatch, function) for function in FUNCTIONS]
    by_hand, plain = both(cell, layers=1)
    x = torch.randn(2, 3, 3, dtype=torch.float64)

    plain(x)
    assert not any(calls)
    by_hand(x)
    assert sum(map(len, calls)) == 1


@pytest.mark.spec("SEQ-044", "Under autocast and in half precision the plain loop runs")
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_autocast_falls_back(cell, monkeypatch):
    calls = [calls_of(monkeypatch, function) for function in FUNCTIONS]
    module, _ = both(cell)
    module.float()
    x = torch.randn(2, 9, 3)
    exact, _ = Recurrent.forward(module, x)
    calls_before = sum(map(len, calls))

    with torch.autocast("cpu", torch.bfloat16):
        y, _ = module(x, None, torch.arange(9) < torch.tensor([[9], [4]]))
        y.float().square().sum().backward()
    half, _ = module.bfloat16()(x.bfloat16())

    assert sum(map(len, calls)) == calls_before
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(y[0].float(), exact[0], rtol=0, atol=0.05)
    torch.testing.assert_close(half.float(), exact, rtol=0, atol=0.05)
    assert all(p.grad.isfinite().all() for p in module.parameters())


@pytest.mark.spec("SEQ-044", "when torch.compile traces, in one graph")
@pytest.mark.parametrize("cell", ["lstm", "min_gru"])
def test_compiles_in_one_graph(cell):
    module, plain = both(cell, layers=1)
    x = torch.randn(2, 3, 3, dtype=torch.float64)
    torch._dynamo.reset()

    compiled = torch.compile(module, backend="eager", fullgraph=True)
    y, _ = compiled(x)
    y.square().sum().backward()
    expected, _ = plain(x)
    expected.square().sum().backward()

    torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(
        [p.grad for p in module.parameters()],
        [p.grad for p in plain.parameters()],
        rtol=1e-10,
        atol=1e-10,
    )


@pytest.mark.parametrize("rows", [1, 7, 64])
@pytest.mark.parametrize("steps", [1, 10])
def test_onednn_gives_the_product(rows, steps):
    torch.manual_seed(0)
    x, weight, y = torch.randn(rows, 96), torch.randn(192, 96), torch.randn(rows, 192)
    for matrix, left in ((weight, x), (weight.t(), y)):
        product = bptt.Product(matrix, [64] * steps)
        expected = left.double() @ matrix.double().t()
        added = torch.randn(expected.shape)
        torch.testing.assert_close(product(left), expected.float(), atol=1e-4, rtol=0)
        torch.testing.assert_close(
            product.plus(left, added), expected.float() + added, atol=1e-4, rtol=0
        )
