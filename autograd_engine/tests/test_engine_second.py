"""Second derivatives, of every operation whose second derivative torch has."""

import numpy as np
import pytest

import src as ag
from src import functional as F
from tests.conformance_ask import ask
from tests.conformance_tiers import TIERS


NAMES = [name for names in TIERS.values() for name in names]
RNG = np.random.default_rng(0)


@pytest.mark.spec("AGE-030", "second derivatives of every smooth operation")
def test_second_derivatives_are_those_of_torch_or_are_refused():
    found = ask("second derivatives", NAMES, 2)

    assert [v for v in found if v.kind in ("wrong", "failed")] == []
    assert {v.operation for v in found if v.kind == "refused"} <= {
        "cumprod",
        "nn.functional.batch_norm",
        "scatter_reduce",
        "nn.functional.multi_margin_loss",
    }
    assert len({v.operation for v in found if v.kind == "right"}) >= 220


def normal(*shape):
    return RNG.normal(size=shape)


def attend(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def batch_norm(x, weight, bias):
    return F.batch_norm(x, None, None, weight, bias, training=True)


LABELS = ag.tensor([0, 2, 1])
SMOOTH = [
    (ag.sin, [normal(3)]),
    (ag.exp, [normal(3)]),
    (ag.tanh, [normal(3)]),
    (ag.sigmoid, [normal(3)]),
    (ag.log, [normal(3) ** 2 + 1]),
    (ag.sqrt, [normal(3) ** 2 + 1]),
    (ag.atan2, [normal(3), normal(3)]),
    (ag.mul, [normal(2, 3), normal(3)]),
    (ag.div, [normal(2, 3), normal(3) ** 2 + 1]),
    (ag.pow, [normal(3) ** 2 + 1, normal(3)]),
    (ag.matmul, [normal(2, 3), normal(3, 2)]),
    (lambda x: ag.einsum("ij,jk,ki->i", x, x, x), [normal(2, 2)]),
    (lambda x: ag.softmax(x, 1), [normal(2, 3)]),
    (lambda x: ag.logsumexp(x, 1), [normal(2, 3)]),
    (lambda x: ag.log_softmax(x, 0), [normal(2, 3)]),
    (lambda x: ag.prod(x, 1), [normal(2, 3)]),
    (lambda x: ag.cumprod(x, 1), [normal(2, 3)]),
    (lambda x: ag.var(x, 1), [normal(2, 3)]),
    (lambda x: ag.norm(x), [normal(4)]),
    (lambda x: x[[0, 0, 1]] ** 3, [normal(2, 2)]),
    (F.gelu, [normal(4)]),
    (lambda x: F.gelu(x, approximate="tanh"), [normal(4)]),
    (F.silu, [normal(4)]),
    (F.mish, [normal(4)]),
    (F.softplus, [normal(4)]),
    (F.softplus, [normal()]),
    (lambda x, w, b: F.layer_norm(x, (3,), w, b), [normal(2, 3), normal(3), normal(3)]),
    (batch_norm, [normal(4, 2), normal(2), normal(2)]),
    (lambda x, w: F.rms_norm(x, (3,), w), [normal(2, 3), normal(3)]),
    (lambda x: F.group_norm(x, 2), [normal(1, 4, 2)]),
    (attend, [normal(1, 3, 2), normal(1, 3, 2), normal(1, 3, 2)]),
    (lambda x: F.cross_entropy(x, LABELS, label_smoothing=0.1), [normal(3, 3)]),
    (lambda x, y: F.kl_div(x, y, log_target=True), [normal(3), normal(3)]),
    (F.linear, [normal(2, 3), normal(2, 3), normal(2)]),
    (
        lambda x, w: F.conv1d(x, w, stride=2, padding=1),
        [normal(1, 2, 5), normal(2, 2, 3)],
    ),
    (F.conv2d, [normal(1, 1, 3, 3), normal(2, 1, 2, 2), normal(2)]),
    (lambda x: F.avg_pool2d(x, 2), [normal(1, 1, 4, 4)]),
    (lambda x: F.interpolate(x, 5, mode="linear"), [normal(1, 1, 3)]),
]


@pytest.mark.spec("AGE-030", "pass `gradgradcheck`, also through fused operations")
@pytest.mark.parametrize(("fn", "values"), SMOOTH)
def test_gradgradcheck_passes(fn, values):
    inputs = [ag.tensor(np.asarray(v), requires_grad=True) for v in values]

    assert ag.gradgradcheck(fn, inputs)


@pytest.mark.spec("AGE-030", "also through fused operations")
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_recurrent_layers_can_be_differentiated_twice(kind):
    layer = getattr(ag.nn, kind)(2, 2).to(ag.float64)
    weights = list(layer.parameters())
    x = ag.tensor(normal(2, 1, 2), requires_grad=True)

    assert ag.gradgradcheck(lambda x, *weights: layer(x)[0], [x, *weights[:0]])


def test_a_gradient_penalty_and_a_third_derivative():
    x = ag.tensor([0.5], dtype=ag.float64, requires_grad=True)
    value = ag.sin(x) * x
    for expected in (
        lambda x: np.sin(x) + x * np.cos(x),
        lambda x: 2 * np.cos(x) - x * np.sin(x),
        lambda x: -3 * np.sin(x) - x * np.cos(x),
    ):
        (value,) = ag.grad(value, x, create_graph=True)
        np.testing.assert_allclose(value.tolist(), expected(0.5), 1e-12)


@pytest.mark.spec("AGE-030", "gradients can be differentiated again")
def test_a_value_written_after_the_first_gradient_is_noticed_by_the_second():
    x = ag.tensor(normal(3), requires_grad=True)
    y = x * 1
    (first,) = ag.grad(F.gelu(y, approximate="tanh").sum(), x, create_graph=True)
    with ag.no_grad():
        y.add_(1.0)

    with pytest.raises(RuntimeError, match="wrote|written"):
        first.sum().backward()
