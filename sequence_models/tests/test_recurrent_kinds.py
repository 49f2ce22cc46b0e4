"""The layer-norm LSTM and the minimal GRU against their papers, and the scan."""

import pytest
import torch
from torch.nn import functional as F

from src.models.recurrent import Recurrent
from src.models.scan import linear_scan, scan_in_order, scan_in_rounds
from tests.recurrent_reference import draw, gradients, pair


CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def random_weights(cell, **options):
    """A stack whose every parameter, gains and biases too, is random."""
    torch.manual_seed(0)
    module = Recurrent(cell, 3, 4, **options).double()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    return module


def scan_inputs(batch=2, time=7, hidden=3):
    torch.manual_seed(0)
    a = torch.rand(batch, time, hidden, dtype=torch.float64)
    b = torch.randn(batch, time, hidden, dtype=torch.float64)
    h0 = torch.randn(batch, hidden, dtype=torch.float64)
    return tuple(tensor.requires_grad_() for tensor in (a, b, h0))


def normalise(z, alpha, beta):
    """Eq. 4 of Ba et al. 2016."""
    mu = z.mean(-1, keepdim=True)
    sigma = ((z - mu) ** 2).mean(-1, keepdim=True).add(1e-5).sqrt()
    return alpha * (z - mu) / sigma + beta


@pytest.mark.spec("SEQ-039", "is that of Ba et al. 2016, eq. 20-22")
@pytest.mark.parity("layer-norm LSTM", "Ba et al. 2016, eq. 20-22")
def test_layer_norm_lstm_is_the_papers(parity):
    module = random_weights("ln_lstm")
    (cell,), (x, (h, c)) = module.cells, draw(module)
    y, ends = module(x, (h, c))
    sources = [x, h, c, *module.parameters()]
    h, c, outputs = h[:, 0], c[:, 0], []
    for x_t in x.unbind(1):
        from_h = normalise(h @ cell.weight_hh.T, cell.norm_hh.weight, cell.bias_hh)
        from_x = normalise(x_t @ cell.weight_ih.T, cell.norm_ih.weight, cell.bias_ih)
        i, f, g, o = (from_h + from_x).unflatten(1, (4, 4)).unbind(1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        squashed = normalise(c, cell.norm_cell.weight, cell.norm_cell.bias)
        h = torch.sigmoid(o) * torch.tanh(squashed)
        outputs.append(h)

    expected = torch.stack(outputs, 1), h[:, None], c[:, None]
    parity.value((y, *ends), expected, atol=1e-12)
    slopes = (gradients(out, sources) for out in ((y, *ends), expected))
    parity.gradient(*slopes, atol=1e-10)


@pytest.mark.spec("SEQ-039", "does not depend on the scale of a weight matrix")
@pytest.mark.parametrize("name", ["weight_ih", "weight_hh"])
def test_layer_norm_lstm_does_not_see_the_scale(name):
    module = random_weights("ln_lstm")
    for norm in (module.cells[0].norm_ih, module.cells[0].norm_hh):
        norm.eps = 0.0
    x, _ = draw(module)
    x, state = x[:, :, :], tuple(torch.ones(4, 1, 4).double() for _ in range(2))
    before, _ = module(x, state)
    with torch.no_grad():
        getattr(module.cells[0], name).mul_(10)

    torch.testing.assert_close(module(x, state)[0], before, rtol=1e-9, atol=1e-9)


@pytest.mark.spec("SEQ-040", "the paper's scan in log space")
@pytest.mark.parity("minimal GRU", "Feng et al. 2024, the scan in log space")
def test_min_gru_is_the_papers(parity):
    module = random_weights("min_gru")
    (cell,), (x, _) = module.cells, draw(module)
    h0 = torch.rand(4, 1, 4, dtype=torch.float64)
    k, v = (x @ cell.weight_ih.T + cell.bias_ih).chunk(2, -1)
    log_g = torch.where(v >= 0, (F.relu(v) + 0.5).log(), -F.softplus(-v))
    log_values = torch.cat([h0.log(), -F.softplus(-k) + log_g], 1)
    a_star = F.pad((-F.softplus(k)).cumsum(1), (0, 0, 1, 0))
    log_h = a_star + torch.logcumsumexp(log_values - a_star, 1)

    y, (end,) = module(x, (h0,))

    expected, sources = log_h.exp()[:, 1:], [x, *module.parameters()]
    parity.value(y, expected, atol=1e-12)
    slopes = (gradients([out], sources) for out in (y, expected))
    parity.gradient(*slopes, atol=1e-10)
    torch.testing.assert_close(end, y[:, -1:], rtol=0, atol=0)


@pytest.mark.spec("SEQ-040", "the scan in rounds, the loop")
@pytest.mark.parity("linear scan", "h = a h + b, step by step")
@pytest.mark.parametrize("time", [1, 2, 3, 8, 13, 64, 100])
def test_scans_are_equal(parity, time):
    a, b, h0 = scan_inputs(time=time)
    state, states = h0, []
    for t in range(time):
        state = a[:, t] * state + b[:, t]
        states.append(state)
    expected = torch.stack(states, 1)
    inputs = (a, b, h0)
    slopes = gradients([expected], inputs)

    for scan in (linear_scan, scan_in_rounds):
        h = scan(*inputs)
        parity.value(h, expected, atol=1e-12)
        parity.gradient(gradients([h], inputs), slopes, atol=1e-12)
    with torch.no_grad():
        parity.value(scan_in_order(*inputs), expected, atol=1e-12)


def test_scan_has_first_and_second_derivatives():
    inputs = scan_inputs(time=5)

    assert torch.autograd.gradcheck(linear_scan, inputs)
    assert torch.autograd.gradgradcheck(linear_scan, inputs)


@pytest.mark.spec("SEQ-040", "20,000 tokens in float32 to 1e-4, where log space")
def test_scan_is_safe_for_long_rows():
    torch.manual_seed(0)
    a, b = torch.rand(2, 1, 20_000, 4)
    a[..., 1], a[..., 2] = 1, 0
    h0 = torch.tensor([[1e6, 1.0, 1.0, 1.0]])
    exact = scan_in_order(a.double(), b.double(), h0.double())

    for scan in (scan_in_order, scan_in_rounds):
        error = (scan(a, b, h0).double() - exact).abs() / exact
        assert error.max() < 1e-4
    sums = a[..., 3].log().cumsum(1)
    in_logs = (sums + (b[..., 3].log() - sums).logcumsumexp(1)).exp()
    error = (in_logs.double() - exact[..., 3]).abs() / exact[..., 3]
    assert error.max() > 1e-3


@pytest.mark.parametrize("size", [1e3, 1e5])
def test_min_gru_takes_any_input(size):
    module = random_weights("min_gru").float()
    x = (torch.randn(2, 50, 3) * size).requires_grad_()

    y, _ = module(x)
    y.sum().backward()

    assert y.isfinite().all()
    assert (y >= 0).all()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("cell", ["rnn_tanh", "rnn_relu", "lstm", "gru"])
def test_large_inputs_saturate_without_nan(cell):
    ours, theirs = pair(cell)
    x = torch.tensor([1e4, -1e4, 300.0]).double().repeat(2, 3, 1).requires_grad_()
    y, _ = ours(x)
    expected, _ = theirs(x)

    torch.testing.assert_close(y, expected, **CLOSE)
    torch.testing.assert_close(gradients([y], [x]), gradients([expected], [x]), **CLOSE)
