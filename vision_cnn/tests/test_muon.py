"""Muon: the orthogonal update, its steps beside numpy, its state."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from src.models.fast_cnn import FastCNN
from src.training.muon import Muon, build_muon, orthogonalise
from src.training.optim import OptimConfig


@pytest.mark.spec("CNN-017", "singular values between 0.68 and 1.14")
@settings(max_examples=30)
@given(st.integers(1, 24), st.integers(1, 24), st.floats(1e-6, 1e6), st.integers(0, 99))
def test_singular_values_come_near_one(rows, columns, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    size = min(rows, columns)
    left, right = (
        torch.linalg.qr(torch.randn(n, size, generator=generator))[0]
        for n in (rows, columns)
    )
    values = torch.linspace(1, 0.05, size)

    made = orthogonalise(left * (values * scale) @ right.T, iterations=5)

    found = torch.linalg.svdvals(made.double())
    assert 0.68 < found.min() and found.max() < 1.14


@pytest.mark.spec("CNN-017", "keeps the singular vectors")
def test_keeps_the_singular_vectors():
    torch.manual_seed(1)
    left, right = (torch.linalg.qr(torch.randn(n, 6))[0] for n in (6, 40))

    made = orthogonalise(left * torch.linspace(1, 0.1, 6) @ right.T)

    core = left.T @ made @ right
    off_diagonal = core - core.diag().diag()
    assert off_diagonal.abs().max() < 1e-4
    assert core.diag().min() > 0.6


def test_no_gradient_at_all_gives_no_update():
    assert torch.equal(orthogonalise(torch.zeros(3, 5)), torch.zeros(3, 5))


def newton_schulz(matrix, iterations):
    x = matrix / np.linalg.norm(matrix)
    for _ in range(iterations):
        square = x @ x.T
        polynomial = -4.7750 * square + 2.0315 * square @ square
        x = 3.4445 * x + polynomial @ x
    return x


@pytest.mark.parity("Muon, float32", "Jordan et al. 2024 in numpy")
@pytest.mark.spec("CNN-018", "equals the update written out in numpy")
@pytest.mark.parametrize("fixed_norm", [True, False])
def test_two_steps_on_a_kernel_equal_numpy(fixed_norm, parity):
    rng = np.random.default_rng(0)
    start, *gradients = rng.normal(size=(3, 4, 2, 3, 3))
    kernel = nn.Parameter(torch.tensor(start).float())
    muon = Muon([kernel], 0.2, 0.6, weight_decay=0.5, fixed_norm=fixed_norm)

    weight, momentum = start.reshape(4, 18), np.zeros((4, 18))
    for gradient in gradients:
        kernel.grad = torch.tensor(gradient).float()
        muon.step()

        g = gradient.reshape(4, 18)
        momentum = 0.6 * momentum + g
        if fixed_norm:
            weight = weight * 2 / np.linalg.norm(weight)  # 2: the root of 4 rows
        else:
            weight = weight * (1 - 0.2 * 0.5)
        weight = weight - 0.2 * newton_schulz(g + 0.6 * momentum, 3)

    got = kernel.detach().numpy().reshape(4, 18)
    parity.value(got, weight, atol=3e-6)


@pytest.mark.parity("Muon's other groups, float32", "torch.optim.SGD(nesterov=True)")
@pytest.mark.spec("CNN-018", "what is no kernel moves as under torch's SGD")
def test_other_groups_move_as_under_sgd(parity):
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.ones(3, 4)) for _ in range(2))
    muon = Muon(
        [{"params": [ours], "orthogonal": False, "momentum": 0.85}], 0.1, weight_decay=2
    )
    sgd = torch.optim.SGD([theirs], 0.1, 0.85, nesterov=True, weight_decay=2)

    for _ in range(4):
        ours.grad = theirs.grad = torch.randn(3, 4)
        muon.step()
        sgd.step()

    parity.value(ours, theirs, atol=1e-6)


def test_a_tall_kernel_moves_as_far_for_each_output_as_a_wide_one():
    gradient = torch.randn(40, 4, generator=torch.manual_seed(0))
    kernel = nn.Parameter(torch.zeros(40, 4))
    kernel.grad = gradient

    Muon([kernel], lr=1.0, momentum=0.0, iterations=5).step()

    assert kernel.norm().item() == pytest.approx(40**0.5, rel=0.25)


def model_and_muon():
    torch.manual_seed(0)
    model = FastCNN(1, 3, widths=(8, 12))
    return model, build_muon(OptimConfig(lr=0.1, momentum=0.6), model)


def train(model, muon, seeds):
    for seed in seeds:
        image = torch.randn(6, 1, 12, 12, generator=torch.manual_seed(seed))
        muon.zero_grad()
        nn.functional.cross_entropy(model(image), torch.arange(6) % 3).backward()
        muon.step()


@pytest.mark.spec("CNN-018", "continues bit for bit from its state dict")
def test_resumes_bit_for_bit():
    model, muon = model_and_muon()
    train(model, muon, [1, 2])
    saved = copy.deepcopy((model.state_dict(), muon.state_dict()))
    train(model, muon, [3, 4])

    again, resumed = model_and_muon()
    again.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    train(again, resumed, [3, 4])

    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def names_by_kind(model, muon):
    name_of = {id(p): name for name, p in model.named_parameters()}
    return [{name_of[id(p)] for p in g["params"]} for g in muon.param_groups]


@pytest.mark.spec("CNN-020", "each trained tensor in one group")
def test_kernels_head_and_biases_are_groups_of_their_own():
    model, muon = model_and_muon()

    kernels, head, biases = names_by_kind(model, muon)

    assert kernels == {f"groups.{i}.conv{j}.weight" for i in (0, 1) for j in (1, 2)}
    assert head == {"head.weight"}
    assert biases == {f"groups.{i}.norm{j}.bias" for i in (0, 1) for j in (1, 2)}
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert kernels | head | biases == trained


@pytest.mark.spec("CNN-020", "`lr` is the rate of the kernels")
def test_rate_of_the_config_is_that_of_the_kernels():
    _, muon = model_and_muon()

    for group in muon.param_groups:
        assert group["lr"] == pytest.approx(0.1 * group.get("lr_scale", 1))
    assert "lr_scale" not in muon.param_groups[0]
    assert [group["orthogonal"] for group in muon.param_groups] == [True, False, False]


def test_kernels_keep_their_length_only_where_a_norm_follows_each():
    model, muon = model_and_muon()
    plain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2, 2))

    assert muon.param_groups[0]["fixed_norm"]
    assert not build_muon(OptimConfig(), plain).param_groups[0]["fixed_norm"]


def test_learns_a_plain_network_too():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Linear(16, 2))
    muon = build_muon(OptimConfig(lr=0.05, weight_decay=0.0), model)
    x = torch.randn(64, 4)
    target = (x[:, 0] * x[:, 1] > 0).long()

    losses = []
    for _ in range(60):
        muon.zero_grad()
        loss = nn.functional.cross_entropy(model(x), target)
        loss.backward()
        muon.step()
        losses.append(loss.item())

    assert losses[-1] < 0.3 * losses[0]


def test_step_returns_the_loss_of_its_closure():
    weight = nn.Parameter(torch.ones(2, 2))
    muon = Muon([weight])

    def closure():
        muon.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss

    assert muon.step(closure).item() == 4.0
    assert not torch.equal(weight, torch.ones(2, 2))
