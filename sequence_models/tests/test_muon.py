"""Muon: the orthogonal update, torch's own Muon and AdamW beside it, its state."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from src.models import MODELS, ModelConfig, build_model
from src.training.muon import ADAMW_RATE, Muon, build_muon, orthogonalise
from src.training.optim import OptimConfig, build_optimizer


@pytest.mark.spec("SEQ-107", "singular values between 0.68 and 1.14")
@settings(max_examples=20)
@given(st.integers(1, 24), st.integers(1, 24), st.floats(1e-6, 1e6), st.integers(0, 99))
def test_singular_values_come_near_one(rows, columns, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    size = min(rows, columns)
    left, right = (
        torch.linalg.qr(torch.randn(n, size, generator=generator).double())[0]
        for n in (rows, columns)
    )
    values = torch.linspace(1, 0.05, size, dtype=torch.float64)
    matrix = left * (values * scale) @ right.T

    made = orthogonalise(matrix[None])[0]

    found = torch.linalg.svdvals(made)
    assert 0.68 < found.min() and found.max() < 1.14
    core = left.T @ made @ right
    assert (core - core.diag().diag()).abs().max() < 1e-6


def test_a_stack_is_orthogonalised_matrix_by_matrix():
    matrices = torch.randn(3, 7, 5, generator=torch.manual_seed(0)).double()
    made = orthogonalise(matrices)
    for matrix, expected in zip(matrices, made, strict=True):
        torch.testing.assert_close(orthogonalise(matrix[None])[0], expected)
    torch.testing.assert_close(orthogonalise(matrices.mT), made.mT)


def test_float32_is_close_to_float64():
    matrices = torch.randn(2, 32, 48, generator=torch.manual_seed(0))
    made = orthogonalise(matrices)
    assert made.dtype == torch.float32
    error = (made - orthogonalise(matrices.double())).norm() / made.norm()
    assert error < 0.05


def test_no_gradient_at_all_gives_no_update():
    assert torch.equal(orthogonalise(torch.zeros(1, 3, 5)), torch.zeros(1, 3, 5))


@pytest.mark.spec("SEQ-108", "as under torch.optim.Muon")
@pytest.mark.parity("Muon, share of the step", "torch.optim.Muon")
def test_matrices_move_as_under_the_muon_of_torch(parity):
    torch.manual_seed(0)
    shapes = [(16, 16), (16, 16), (40, 8), (8, 40)]
    ours = [nn.Parameter(torch.randn(shape)) for shape in shapes]
    theirs = [nn.Parameter(weight.detach().clone()) for weight in ours]
    start = [weight.detach().clone() for weight in ours]
    muon = Muon(ours, 0.1, momentum=0.9, weight_decay=0.5)
    reference = torch.optim.Muon(theirs, 0.1, weight_decay=0.5, momentum=0.9)

    for _ in range(4):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = b.grad = torch.randn_like(a)
        muon.step()
        reference.step()

    for a, b, before in zip(ours, theirs, start, strict=True):
        # Both compute in bfloat16, in another order.
        parity.value((a - b).norm() / (b - before).norm(), 0.0, atol=0.02)


@pytest.mark.spec("SEQ-108", "as under torch.optim.AdamW")
@pytest.mark.parity("AdamW", "torch.optim.AdamW")
def test_other_groups_move_as_under_adamw(parity):
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.ones(3, 4).double()) for _ in range(2))
    group = {"params": [ours], "orthogonal": False, "weight_decay": 0.3}
    muon = Muon([group], 0.01, betas=(0.8, 0.95))
    adamw = torch.optim.AdamW([theirs], 0.01, (0.8, 0.95), weight_decay=0.3)

    for _ in range(5):
        ours.grad = theirs.grad = torch.randn(3, 4).double()
        muon.step()
        adamw.step()

    parity.value(ours, theirs, atol=1e-13)


def causal(name: str) -> nn.Module:
    torch.manual_seed(0)
    more = {"slot": "gated_retention"} if name == "slot" else {}
    return build_model(ModelConfig(name, **more), vocab=11, context=8)


@pytest.mark.spec("SEQ-109", "each trained tensor in one group")
@pytest.mark.parametrize("name", [n for n in MODELS if n not in ("transformer",)])
def test_each_tensor_is_in_one_group(name):
    model = causal(name)
    muon = build_muon(OptimConfig(name="muon", lr=0.02), model)
    held = [id(p) for group in muon.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters())
    names = {id(p): n for n, p in model.named_parameters()}
    matrices, *others = muon.param_groups
    inside = [names[id(p)] for p in matrices["params"]]
    assert inside and all(p.ndim == 2 for p in matrices["params"])
    assert not any("embedding" in n or n.startswith("head") for n in inside)
    assert not any("positions" in n for n in inside)
    outside = [names[id(p)] for g in others for p in g["params"] if p.ndim >= 2]
    assert all("embed" in n or "head" in n or "positions" in n for n in outside)


@pytest.mark.spec("SEQ-109", "0.15 of it that of the rest")
def test_rates_of_the_groups():
    config = OptimConfig(name="muon", lr=0.02, weight_decay=0.1, momentum=0.9)
    muon = build_optimizer(config, causal("gpt_2020"))
    matrices, embeddings, vectors = muon.param_groups
    assert matrices["lr"] == 0.02 and "lr_scale" not in matrices
    assert matrices["orthogonal"] and matrices["momentum"] == 0.9
    for group in (embeddings, vectors):
        assert group["lr"] == pytest.approx(0.003)
        assert group["lr_scale"] == ADAMW_RATE and not group["orthogonal"]
    decays = [group["weight_decay"] for group in muon.param_groups]
    assert decays == [0.1, 0.1, 0.0]


def train(model, muon, seeds):
    for seed in seeds:
        tokens = torch.randint(0, 11, (2, 6), generator=torch.manual_seed(seed))
        muon.zero_grad()
        logits, _ = model(tokens[:, :-1])
        nn.functional.cross_entropy(
            logits.flatten(0, 1), tokens[:, 1:].flatten()
        ).backward()
        muon.step()


@pytest.mark.spec("SEQ-108", "continues bit for bit from its state dict")
def test_resumes_bit_for_bit():
    make = lambda: causal("gpt_2025")  # noqa: E731
    config = OptimConfig(name="muon", lr=0.02)
    model = make()
    muon = build_muon(config, model)
    train(model, muon, [1, 2])
    saved = copy.deepcopy((model.state_dict(), muon.state_dict()))
    train(model, muon, [3, 4])

    again = make()
    resumed = build_muon(config, again)
    again.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    train(again, resumed, [3, 4])

    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_what_has_no_gradient_stays():
    a, b = (nn.Parameter(torch.ones(2, 2)) for _ in range(2))
    a.grad = torch.ones(2, 2)
    Muon([a, b], 0.1, weight_decay=0.5).step()
    assert torch.equal(b, torch.ones(2, 2)) and not torch.equal(a, torch.ones(2, 2))


def test_step_returns_the_loss_of_its_closure():
    assert Muon([nn.Parameter(torch.ones(2, 2))]).step(lambda: 7.0) == 7.0
