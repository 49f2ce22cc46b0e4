"""Lion, Muon, clipping, and that all of them come down."""

import numpy as np
import pytest
import torch

import src as ag
from src import nn, optim
from src.optim.muon import orthogonalize
from tests.nn_beside_torch import numbers
from tests.optim_tools import SHAPES, same, start


@pytest.mark.spec("AGE-061", "Lion follows algorithm 2")
def test_lion_is_its_formula():
    (p,) = start(ag, [(4, 3)])
    lion = optim.Lion([p], lr=0.1, betas=(0.8, 0.9), weight_decay=0.2)
    theta, m = p.detach().numpy().copy(), np.zeros((4, 3))
    for t in range(30):
        g = numbers(4, 3, seed=100 + t)
        p.grad = ag.tensor(g)
        lion.step()
        theta = theta - 0.1 * (np.sign(0.8 * m + 0.2 * g) + 0.2 * theta)
        m = 0.9 * m + 0.1 * g
    np.testing.assert_allclose(p.detach().numpy(), theta, rtol=1e-12)


@pytest.mark.spec("AGE-061", "singular values between 0.65 and 1.25")
@pytest.mark.parametrize("shape", [(8, 8), (20, 5), (5, 20), (1, 7)])
def test_the_orthogonal_factor_keeps_directions_and_evens_lengths(shape):
    g = numbers(*shape)
    u, s, vt = np.linalg.svd(g, full_matrices=False)
    keep = s > s[0] / 50
    x = orthogonalize(g)
    inner = u.T @ x @ vt.T  # diagonal: the directions are those of g
    np.testing.assert_allclose(inner - np.diag(np.diag(inner)), 0, atol=1e-10)
    ends = np.diag(inner)[keep]
    assert ends.min() > 0.65
    assert ends.max() < 1.25
    y = s / np.linalg.norm(g)  # the polynomial acts on each singular value alone
    for _ in range(5):
        y = 3.4445 * y - 4.7750 * y**3 + 2.0315 * y**5
    np.testing.assert_allclose(np.diag(inner), y, atol=1e-10)


@pytest.mark.spec("AGE-061", "to what bfloat16 leaves")
@pytest.mark.parametrize(
    "options",
    [
        {"lr": 0.02},
        {"lr": 0.02, "nesterov": False, "momentum": 0.8, "weight_decay": 0.0},
        {"lr": 0.02, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 4},
    ],
    ids=str,
)
def test_muon_is_torchs_up_to_bfloat16(options):
    shapes = [(6, 4), (4, 9)]
    ours, theirs = start(ag, shapes), start(torch, shapes)
    mine, other = optim.Muon(ours, **options), torch.optim.Muon(theirs, **options)
    for t in range(10):
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            g = numbers(*shapes[i], seed=10 * t + i)
            p.grad, q.grad = ag.tensor(g), torch.tensor(g)
        before = [p.detach().numpy().copy() for p in ours]
        mine.step(), other.step()
        for p, q, old in zip(ours, theirs, before, strict=True):
            step = np.abs(p.detach().numpy() - old).max()
            gap = np.abs(p.detach().numpy() - q.detach().numpy()).max()
            assert gap < 0.05 * step * (t + 1)
    for p, q in zip(ours, theirs, strict=True):  # the momentum is exact
        v = other.state[q]["momentum_buffer"].numpy()
        np.testing.assert_allclose(mine.state[p]["momentum_buffer"], v, rtol=1e-12)


@pytest.mark.spec("AGE-062", "come down a quadratic")
@pytest.mark.parametrize(
    ("name", "lr"),
    [("SGD", 0.05), ("Adam", 0.1), ("AdamW", 0.1), ("RMSprop", 0.05),
     ("Adagrad", 0.5), ("Lion", 0.02), ("Muon", 0.05)],
)  # fmt: skip
def test_all_come_down_a_quadratic(name, lr):
    p = nn.Parameter(numbers(4, 3))
    scale = ag.tensor(np.array([1.0, 4.0, 9.0]))
    kind = getattr(optim, name)
    options = {"weight_decay": 0.0} if "weight_decay" in kind([p]).defaults else {}
    optimizer = kind([p], lr=lr, **options)
    losses = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = (p * p * scale).sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-5:]) < 0.01 * losses[0]


@pytest.mark.parity("clipping of gradients", "torch.nn.utils.clip_grad_norm_")
@pytest.mark.spec("AGE-063", "Clipping equals torch's")
@pytest.mark.parametrize("norm", [2.0, 1.0, 3.0, np.inf])
@pytest.mark.parametrize("limit", [0.5, 1e6])
def test_clipping_is_torchs(norm, limit, parity):
    ours, theirs = start(ag), start(torch)
    for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
        if i != 1:
            g = numbers(*SHAPES[i], seed=50 + i)
            p.grad, q.grad = ag.tensor(g), torch.tensor(g)
    found = optim.clip_grad_norm_(iter(ours), limit, norm)
    wanted = torch.nn.utils.clip_grad_norm_(theirs, limit, norm).item()
    parity.value(found, wanted, atol=1e-12)
    clipped = [[p.grad for p in ps if p.grad is not None] for ps in (ours, theirs)]
    same(*clipped, keep=parity.gradient)
    nn.utils.clip_grad_value_(ours, 0.1)
    torch.nn.utils.clip_grad_value_(theirs, 0.1)
    clipped = [[p.grad for p in (ps[0], ps[3])] for ps in (ours, theirs)]
    same(*clipped, keep=parity.gradient)


@pytest.mark.spec("AGE-063", "a norm that is not finite changes nothing")
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("norm", [2.0, np.inf])
def test_a_norm_that_is_not_finite_changes_nothing(bad, norm):
    p = nn.Parameter(np.zeros(3))
    p.grad = ag.tensor(np.array([1.0, bad, 2.0]))
    found = optim.clip_grad_norm_([p], 0.1, norm)
    assert not np.isfinite(found)
    np.testing.assert_array_equal(p.grad.numpy(), [1.0, bad, 2.0])
    with pytest.raises(RuntimeError, match=f"the norm of the gradients is {bad}"):
        nn.utils.clip_grad_norm_(p, 0.1, norm, error_if_nonfinite=True)


def test_half_precision_does_not_overflow_the_norm():
    p = nn.Parameter(np.zeros(1000, np.float16))
    p.grad = ag.tensor(np.full(1000, 100, np.float16))
    assert optim.clip_grad_norm_([p], 1.0) == pytest.approx(100 * 1000**0.5)
