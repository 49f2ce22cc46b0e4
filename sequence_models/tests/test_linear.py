"""`linear` is `F.linear`, whichever library does it: values, gradients, theirs too."""

import pytest
import torch
import torch.nn.functional as F

from src.models import linear as module
from src.models.linear import Linear, is_dense, linear
from src.models.recurrent import Recurrent


@pytest.fixture
def onednn(monkeypatch):
    """Send every product to oneDNN, however small; gives the products that were."""
    if not module._HAS_ONEDNN:
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(module, "LARGE", 1)
    seen = []
    apply = module._Linear.apply
    monkeypatch.setattr(
        module._Linear, "apply", lambda *a: seen.append(a[0].shape) or apply(*a)
    )
    return seen


@pytest.mark.spec("SEQ-077", "values, gradients and second derivatives")
@pytest.mark.parity("linear map by oneDNN, float32", "torch.nn.functional.linear")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 5), (1, 5), (0, 5)])
def test_values_gradients_and_theirs(parity, onednn, shape, bias):
    torch.manual_seed(0)
    given = [torch.randn(shape), torch.randn(4, 5)] + [torch.randn(4)] * bias
    results = []
    for function in (linear, F.linear):
        inputs = [t.clone().requires_grad_() for t in given]
        y = function(*inputs)
        first = torch.autograd.grad((y**3).sum(), inputs, create_graph=True)
        second = torch.autograd.grad(sum((g**2).sum() for g in first), inputs)
        results.append([y, *first, *second])
    assert len(onednn) >= 3 * min(1, shape[0])
    (y, *slopes), (their_y, *their_slopes) = results
    if shape[0]:
        parity.value(y, their_y, atol=1e-5)
    parity.gradient(slopes, their_slopes, atol=1e-4)


@pytest.mark.spec("SEQ-077", "large ones by oneDNN")
def test_which_products_go_to_onednn(onednn, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 2**21)
    layer, large = Linear(128, 256), torch.randn(4, 16, 128)
    torch.testing.assert_close(
        layer(large), F.linear(large, layer.weight, layer.bias), rtol=1e-5, atol=1e-5
    )
    assert onednn == [large.shape]
    layer(large[:3])
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(large).dtype is torch.bfloat16
    layer.double()(large.double())
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    layer.float()(large)
    assert onednn == [large.shape]


def test_only_the_gradients_that_are_asked_for(onednn):
    weight = torch.randn(4, 5)
    x = torch.randn(3, 5, requires_grad=True)
    linear(x, weight).sum().backward()
    torch.testing.assert_close(x.grad, weight.sum(0).expand(3, 5))
    assert len(onednn) == 2


@pytest.mark.skipif(not module._HAS_ONEDNN, reason="this torch has no oneDNN")
@pytest.mark.parametrize("cell", ["rnn_tanh", "gru", "lstm"])
def test_no_product_meets_the_reference_loop_of_onednn(monkeypatch, cell):
    op, seen = torch.ops.mkldnn._linear_pointwise, []

    def watched(x, weight, *more):
        seen.append(weight.is_mkldnn or is_dense(weight))
        return op(x, weight, *more)

    watched.binary = op.binary
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", watched)
    network = Recurrent(cell, 64, 96)
    y, _ = network(torch.randn(32, 12, 64))
    y.sum().backward()
    wide = torch.randn(512, 96)[:, :64].requires_grad_()
    linear(torch.randn(512, 64), wide).sum().backward()
    assert len(seen) > 2 and all(seen)
