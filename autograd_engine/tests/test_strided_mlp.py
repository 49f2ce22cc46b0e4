"""The perceptron of level 2 against the same one in torch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from src.strided import MLP
from src.utils.contracts import ContractError
from tests.strided_tools import every_backend


SIZES = (2, 8, 8, 1)


def problem():
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, size=(50, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    weights = [
        random.normal(size=pair) * 0.7 for pair in zip(SIZES, SIZES[1:], strict=False)
    ]
    return x, y, weights, [np.zeros(size) for size in SIZES[1:]]


@pytest.mark.parity("losses of a strided perceptron, 20 steps", "torch")
@pytest.mark.spec(
    "AGE-021", "losses of torch to 1e-9 over 20 steps of gradient descent"
)
@every_backend
def test_the_losses_are_those_of_torch(backend, parity):
    x, y, weights, biases = problem()
    model = MLP(weights, biases, backend)
    theirs = [torch.tensor(p, requires_grad=True) for p in (*weights, *biases)]
    ours, expected = [], []
    for _ in range(20):
        loss = model.loss(x, y)
        loss.backward()
        model.step(0.5)
        ours.append(loss.item())
        out = torch.tensor(x)
        for i in range(3):
            out = out @ theirs[i] + theirs[3 + i]
            out = out.relu() if i < 2 else out
        target = torch.tensor(y, dtype=torch.float64)[:, None]
        reference = F.binary_cross_entropy_with_logits(out, target)
        grads = torch.autograd.grad(reference, theirs)
        with torch.no_grad():
            for p, g in zip(theirs, grads, strict=True):
                p -= 0.5 * g
        expected.append(reference.item())
    parity.value(ours, expected, atol=1e-12)
    assert ours[-1] < ours[0]
    assert all(p.grad is None for p in model.parameters())


def test_logits_of_any_size_have_a_finite_loss_and_gradient():
    model = MLP([np.array([[1.0]])], [np.zeros(1)])
    x = np.array([[-2000.0], [0.0], [2000.0]])
    loss = model.loss(x, np.array([1, 1, 0]))
    loss.backward()
    assert loss.item() == pytest.approx((2000 + np.log(2) + 2000) / 3)
    assert model.biases[0].grad.item() == pytest.approx((-1 - 0.5 + 1) / 3)


def test_what_does_not_fit_is_refused():
    x, y, weights, biases = problem()
    with pytest.raises(ValueError, match="3 weights but 2 biases"):
        MLP(weights, biases[:2])
    model = MLP(weights, biases)
    with pytest.raises(ContractError, match="loss got a wrong `y`"):
        model.loss(x, y[:49])
    with pytest.raises(ContractError, match="in_features.* is 1, should be 2"):
        model.loss(x[:, :1], y)
