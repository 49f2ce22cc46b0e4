"""Activations, softmax, dropout: torch's values and slopes, at the corners as well."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

import src as ag
from src import functional as F
from tests.torch_compare import agree, normal


SMOOTH = {
    "gelu": [{}, {"approximate": "tanh"}],
    "silu": [{}],
    "mish": [{}],
    "softplus": [{}, {"beta": 2.0}, {"beta": 0.5, "threshold": 1.0}],
    "logsigmoid": [{}],
    "elu": [{}, {"alpha": 0.3}],
    "celu": [{}, {"alpha": 0.5}],
    "selu": [{}],
    "softsign": [{}],
    "tanhshrink": [{}],
    "hardswish": [{}],
    "glu": [{}, {"dim": 0}],
}
LINES = {
    "relu": [{}],
    "relu6": [{}],
    "leaky_relu": [{}, {"negative_slope": 0.3}, {"negative_slope": -0.5}],
    "hardtanh": [{}, {"min_val": -0.2, "max_val": 0.7}],
    "hardsigmoid": [{}],
    "softshrink": [{}, {"lambd": 0.1}],
    "hardshrink": [{}, {"lambd": 0.1}],
    "threshold": [{"threshold": 0.2, "value": 5.0}],
}
CASES = [
    (name, options, kind is SMOOTH)
    for kind in (SMOOTH, LINES)
    for name, several in kind.items()
    for options in several
]


@pytest.mark.spec("AGE-048", "as PyTorch's do in value, gradient and second gradient")
@pytest.mark.parametrize("name, options, smooth", CASES)
def test_an_activation_is_torch_s(name, options, smooth):
    x = normal(4, 6, scale=2.5)
    # torch computes 1/6 of the slope of hardsigmoid in float32.
    tolerance = 1e-7 if name in ("hardsigmoid", "hardswish") else 1e-10
    agree(
        lambda t: getattr(F, name)(t, **options),
        lambda t: getattr(TF, name)(t, **options),
        [x],
        second=smooth,
        tolerance=tolerance,
    )


@pytest.mark.parametrize("name, options, smooth", CASES)
def test_huge_inputs_and_nan_go_through_as_in_torch(name, options, smooth):
    values = [-np.inf, -1e4, -800.0, -0.0, 0.0, 1e-300, 800.0, 1e4, np.inf, np.nan]
    x = np.array(values)
    theirs = torch.tensor(x, requires_grad=True)
    wanted = getattr(TF, name)(theirs, **options)
    ours = ag.tensor(x, requires_grad=True)
    with np.errstate(all="ignore"):
        got = getattr(F, name)(ours, **options)
        got.backward(ag.tensor(np.ones(got.shape)))
    wanted.backward(torch.ones_like(wanted))
    np.testing.assert_allclose(
        got.detach().numpy(), wanted.detach().numpy(), rtol=1e-9, atol=1e-300
    )
    finite = np.isfinite(x) if got.shape == x.shape else slice(0)
    np.testing.assert_allclose(
        ours.grad.data[finite], theirs.grad.numpy()[finite], rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_in_float32_is_within_a_millionth(approximate):
    x = np.concatenate([np.linspace(-12, 12, 40001), np.linspace(-1, 1, 2001)])
    single = ag.tensor(x.astype(np.float32), requires_grad=True)
    out = F.gelu(single, approximate=approximate)
    out.sum().backward()
    exact = torch.tensor(x.astype(np.float32).astype(np.float64), requires_grad=True)
    wanted = TF.gelu(exact, approximate=approximate)
    wanted.sum().backward()
    assert out.dtype == single.grad.dtype == np.float32
    error = np.abs(out.detach().numpy() - wanted.detach().numpy())
    assert (error / np.maximum(1, np.abs(x))).max() < 1e-6
    assert np.abs(single.grad.data - exact.grad.numpy()).max() < 2e-6


@pytest.mark.parametrize("shape", [(4, 3), (5,), (2, 3, 4)])
@pytest.mark.parametrize("shared", [True, False])
def test_prelu_learns_one_slope_or_one_a_channel(shape, shared):
    channels = shape[1] if len(shape) > 1 else 1
    weight = normal(1 if shared else channels, seed=1)
    agree(F.prelu, TF.prelu, [normal(*shape), weight])


@pytest.mark.parity("softmax, log_softmax, softmin", "torch.nn.functional.softmax")
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
@pytest.mark.parametrize("shape, dim", [((3, 5), 1), ((3, 5, 2), 1), ((4,), 0)])
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_softmax_is_torch_s_over_any_axis(name, shape, dim, scale, parity):
    agree(
        lambda t: getattr(F, name)(t, dim),
        lambda t: getattr(TF, name)(t, dim),
        [normal(*shape, scale=scale)],
        parity=parity,
    )


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_masked_rows(name):
    x = np.array([[0.0, -np.inf, 1e4], [-np.inf] * 3, [1e4, -1e4, np.nan]])
    got = getattr(F, name)(ag.tensor(x), 1).numpy()
    wanted = getattr(TF, name)(torch.tensor(x), 1).numpy()
    np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_gumbel_softmax_draws_distributions_and_hard_ones():
    ag.manual_seed(0)
    logits = ag.tensor(normal(1000, 3), requires_grad=True)
    soft = F.gumbel_softmax(logits, tau=0.5)
    np.testing.assert_allclose(soft.detach().numpy().sum(1), 1)
    hard = F.gumbel_softmax(logits, hard=True)
    assert set(hard.detach().numpy().round(9).reshape(-1)) == {0.0, 1.0}
    (hard * ag.tensor(normal(1000, 3, seed=1))).sum().backward()
    assert np.abs(logits.grad.data).sum() > 0


SHAPES = {
    "dropout": ((40, 500), (40, 500)),
    "dropout1d": ((40, 50, 3), (40, 50, 1)),
    "dropout2d": ((40, 50, 3, 3), (40, 50, 1, 1)),
    "dropout3d": ((40, 50, 2, 2, 2), (40, 50, 1, 1, 1)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_dropout_drops_whole_units_and_keeps_the_mean(name):
    ag.manual_seed(3)
    shape, units = SHAPES[name]
    x = ag.tensor(np.ones(shape), requires_grad=True)
    out = getattr(F, name)(x, 0.3)
    values = out.detach().numpy()
    assert set(np.unique(values)) == {0.0, 1 / 0.7}
    first = values[tuple(slice(0, n) for n in units)]
    assert (values == first).all()
    drawn = math.prod(units)
    assert abs((first == 0).mean() - 0.3) < 4 * math.sqrt(0.21 / drawn)
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.data, values)


@pytest.mark.parametrize("name", [*SHAPES, "alpha_dropout", "feature_alpha_dropout"])
def test_dropout_does_nothing_in_evaluation_and_repeats_with_the_seed(name):
    shape = SHAPES.get(name, ((6, 5, 4),))[0]
    x = ag.tensor(normal(*shape))
    assert getattr(F, name)(x, 0.5, training=False) is x
    draws = []
    for _ in range(2):
        ag.manual_seed(5)
        draws.append(getattr(F, name)(x, 0.5, training=True).numpy())
    np.testing.assert_array_equal(*draws)
    assert (getattr(F, name)(x, 1.0, training=True).numpy() == 0).all()


def test_alpha_dropout_keeps_mean_and_variance():
    ag.manual_seed(1)
    out = F.alpha_dropout(ag.tensor(normal(300, 300)), 0.2, training=True).numpy()
    assert abs(out.mean()) < 0.02 and abs(out.var() - 1) < 0.02


REFUSED = [
    (lambda x: F.relu(x, inplace=True), NotImplementedError, "relu: inplace=True"),
    (lambda x: F.dropout(x, 1.5), ValueError, "probability from 0 to 1, not 1.5"),
    (lambda x: F.gelu(x, approximate="fast"), RuntimeError, "not 'fast'"),
    (lambda x: F.silu(x.long()), RuntimeError, "silu.*int64.*float"),
    (lambda x: F.glu(x, 0), RuntimeError, r"glu: axis 0 of shape \(3, 4\)"),
    (lambda x: F.softmax(x, 2), IndexError, "softmax: dim 2"),
    (lambda x: F.hardtanh(x, 1.0, 0.0), ValueError, "min_val 1.0 is above"),
    (lambda x: F.prelu(x, ag.tensor([0.1] * 3)), RuntimeError, r"prelu.*\(3,\).*4"),
    (lambda x: F.dropout1d(x.reshape(12)), RuntimeError, r"dropout1d.*\(12,\)"),
]


@pytest.mark.parametrize("call, error, words", REFUSED)
def test_wrong_calls_are_refused_by_name(call, error, words):
    with pytest.raises(error, match=words):
        call(ag.tensor(normal(3, 4)))


@pytest.mark.parametrize("name", ["relu", "gelu", "silu", "elu"])
def test_empty_and_strided_inputs(name):
    assert getattr(F, name)(ag.tensor(np.zeros((0, 3)))).shape == (0, 3)
    x = normal(6, 8)
    agree(
        lambda t: getattr(F, name)(t[::2, 1:].reshape(7, 3)),
        lambda t: getattr(TF, name)(t[::2, 1:].reshape(7, 3)),
        [x],
    )
    strided = ag.from_numpy(x.T)
    wanted = getattr(TF, name)(torch.from_numpy(x).T).numpy()
    np.testing.assert_allclose(getattr(F, name)(strided).numpy(), wanted, atol=1e-12)


def test_a_long_array_is_worked_on_in_pieces():
    x = normal(3, 40000)
    agree(F.silu, TF.silu, [x], second=False)
