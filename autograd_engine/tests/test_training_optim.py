"""What a training step is: its gradient, its rate, its average, when it stops."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src import nn
from src.engine.tensor import Tensor, tensor
from src.models import ModelConfig, build_model
from src.training.check import IMAGES, TEXT
from src.training.ema import EMA
from src.training.optim import OptimConfig, build_optimizer, factor_at
from src.training.trainer import Trainer
from tests.tiny import rows, start


NAMES = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "lion", "muon")


def gradients(monkeypatch, out, *overrides) -> list[list[np.ndarray]]:
    """The gradient of each step, in double precision."""
    steps, plain, put = [], Trainer._step, Trainer._put

    def step(self, loader):
        model = self.state.model.double()
        change = self.state.optimizer.step

        def note():
            steps.append([p.grad.data.copy() for p in model.parameters()])
            change()

        self.state.optimizer.step = note
        done = plain(self, loader)
        self.state.optimizer.step = change
        return done

    def in_double(self, batch):
        ready = put(self, batch)
        return ready._replace(features=ready.features.double())

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", step)
        patch.setattr(Trainer, "_put", in_double)
        score = {"loss": 1.0, "accuracy": 0.5}
        patch.setattr(Trainer, "evaluate", lambda *_, **__: score)
        steady = ("model.dropout=0", "train.ema=0", "optim.clip=0", "train.epochs=1")
        assert start(out, *steady, *overrides) == 0
    return steps


@pytest.mark.spec("AGE-085", "over k batches gives the gradient of their mean")
def test_accumulation_equals_the_big_batch(tmp_path, monkeypatch):
    small = ("data.batch_size=5", "train.accumulate=2")
    parts = gradients(monkeypatch, tmp_path / "a", *small)
    whole = gradients(monkeypatch, tmp_path / "b", "data.batch_size=10")
    assert len(parts) == len(whole) == 2
    for ours, theirs in zip(parts[0], whole[0], strict=True):
        assert ours.dtype == np.float64 and np.abs(theirs).max() > 0
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.spec("AGE-085", "The norm of the gradient is told as it was before")
@pytest.mark.parametrize("clip", [1e-4, 0])
def test_the_gradient_is_clipped_and_its_norm_is_told(tmp_path, monkeypatch, clip):
    plain, told = Trainer._note_step, []

    def note(self, loss, norm, lr, to_log):
        told.append(norm)
        plain(self, loss, norm, lr, to_log)

    monkeypatch.setattr(Trainer, "_note_step", note)
    found = gradients(monkeypatch, tmp_path, f"optim.clip={clip}", "train.epochs=1")
    norms = [np.sqrt(sum((g**2).sum() for g in step)) for step in found]
    assert all(norm > 1e-2 for norm in told)
    assert norms == pytest.approx([clip or norm for norm in told], rel=2e-2)


def test_a_constant_rate_and_the_ends_of_the_others():
    flat = OptimConfig(schedule="constant", warmup=0)
    assert [factor_at(flat, step, 9) for step in range(9)] == [1.0] * 9
    cosine = OptimConfig(schedule="cosine", warmup=0.05, final=0.1)
    factors = [factor_at(cosine, step, 2000) for step in range(2001)]
    assert factors[99] == pytest.approx(100 / 101) and factors[100] == 1.0
    assert factors[1050] == pytest.approx(0.55) and factors[2000] == pytest.approx(0.1)
    falling = OptimConfig(schedule="step", warmup=0, drop_every=0.4)
    drops = [factor_at(falling, step, 10) for step in range(10)]
    assert drops == pytest.approx([1] * 4 + [0.1] * 4 + [0.01] * 2)


@pytest.mark.spec("AGE-085", "The learning rate of a step is a function of its number")
@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_schedules_equal_those_of_torch(schedule):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    kinds = torch.optim.lr_scheduler
    scheduler = {
        "cosine": lambda: kinds.CosineAnnealingLR(optimizer, 40),
        "one_cycle": lambda: kinds.OneCycleLR(optimizer, 1.0, 40),
    }[schedule]()
    theirs = []
    for _ in range(40):
        theirs.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    config = OptimConfig(schedule=schedule, warmup=0.0)
    ours = [factor_at(config, step, 40) for step in range(40)]
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-7)


@given(
    schedule=st.sampled_from(["constant", "cosine", "step", "one_cycle"]),
    warmup=st.floats(0, 1),
    total=st.integers(1, 300),
)
def test_the_rate_never_leaves_its_range(schedule, warmup, total):
    config = OptimConfig(schedule=schedule, warmup=warmup)
    factors = [factor_at(config, step, total) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)


def changes(config: OptimConfig, model: nn.Module) -> dict[str, np.ndarray]:
    """How far a step with gradients of zero moves each parameter: the decay alone."""
    before = {n: p.data.copy() for n, p in model.named_parameters()}
    optimizer = build_optimizer(config, model)
    for parameter in model.parameters():
        parameter.data += 1
        parameter.grad = tensor(np.zeros_like(parameter.data))
    optimizer.step()
    return {n: p.data - 1 - before[n] for n, p in model.named_parameters()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("vectors", [False, True])
def test_weight_decay_spares_biases_and_norms(name, vectors):
    model = build_model(ModelConfig(name="cnn", widths=(2, 3)), IMAGES)
    settings = {"weight_decay": 0.1, "muon_lr": 0.1, "decay_vectors": vectors}
    moved = changes(OptimConfig(name=name, lr=0.1, **settings), model)
    for parameter, change in moved.items():
        is_vector = model.state_dict()[parameter].ndim < 2
        assert (np.abs(change).max() > 1e-6) == (vectors or not is_vector), parameter


def test_muon_moves_inner_matrices_and_adamw_the_rest():
    model = build_model(ModelConfig(name="gpt", d_model=8, n_heads=2), TEXT)
    muon, rest = build_optimizer(OptimConfig(name="muon", muon_lr=0.5), model).parts
    names = {id(p): n for n, p in model.named_parameters()}
    inner = {names[id(p)] for g in muon.param_groups for p in g["params"]}
    outer = {names[id(p)] for g in rest.param_groups for p in g["params"]}
    assert inner and all(n.startswith("blocks.") for n in inner)
    assert {"wte.weight", "wpe.weight"} <= outer and not inner & outer
    assert inner | outer == set(names.values())
    image = build_model(ModelConfig(name="mlp", hidden=(4, 4)), IMAGES)
    muon, rest = build_optimizer(OptimConfig(name="muon"), image).parts
    assert [p.shape for g in muon.param_groups for p in g["params"]] == [
        (4, 256), (4, 4),
    ]  # fmt: skip


def test_each_part_follows_its_own_peak():
    model = build_model(ModelConfig(name="mlp", hidden=(4, 4)), IMAGES)
    config = OptimConfig(name="muon", lr=0.1, muon_lr=0.5)
    optimizer = build_optimizer(config, model)
    optimizer.set_rate(0.5)
    optimizer.set_rate(0.25)
    assert {g["lr"] for g in optimizer.param_groups} == {0.025, 0.125}


def test_the_average_is_what_its_formula_says():
    random = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double()
    ema, expected = EMA(model, 0.9), model.state_dict()
    for step in range(1, 60):
        for parameter in model.parameters():
            parameter.data += random.standard_normal(parameter.shape)
        model(Tensor(random.standard_normal((4, 3))))
        ema.update(model, step)
        d = min(0.9, (1 + step) / (10 + step))
        for name, new in model.state_dict().items():
            floating = new.dtype.kind == "f"
            expected[name] = d * expected[name] + (1 - d) * new if floating else new
    for name, array in ema.model.state_dict().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-12, atol=1e-12)
    assert not any(p.requires_grad for p in ema.model.parameters())


@pytest.mark.spec("AGE-085", "after `patience` evaluations that gain less")
def test_early_stopping_counts_useless_evaluations(tmp_path, monkeypatch):
    shown = iter([0.5, 0.1, 0.2, 0.2005, 0.3, 0.2, 0.3005, 0.9, 0.95])

    def evaluate(self, dataset, limit=None):
        return {"loss": 1.0, "accuracy": next(shown)}

    monkeypatch.setattr(Trainer, "evaluate", evaluate)
    patient = ("train.patience=2", "train.min_gain=0.01", "train.epochs=8")
    assert start(tmp_path, *patient) == 0
    judged = [r["accuracy"] for r in rows(tmp_path / "run") if r["split"] == "val"]
    assert judged == ["0.1", "0.2", "0.2005", "0.3", "0.2", "0.3005"]


@pytest.mark.parametrize("samples", [20, 23])
def test_fewer_samples_than_a_batch_are_trained_on(tmp_path, samples):
    few = (f"data.count={samples}", "data.batch_size=64", "train.log_every=1")
    assert start(tmp_path, *few, "train.epochs=2") == 0
    steps = [r["step"] for r in rows(tmp_path / "run") if r["split"] == "train"]
    assert steps == ["1", "2"]
