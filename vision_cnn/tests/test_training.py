"""What a training step is: its gradient, its rate, its average, when it stops."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from src.data.dataloader import EpochBatches
from src.training.optim import OptimConfig, build_optimizer, lr_at
from src.training.progress import Progress
from src.training.trainer import Trainer
from src.utils.errors import InputError
from tests.tiny import digest, rows, start


def gradients(monkeypatch, out, *overrides) -> list[list[torch.Tensor]]:
    """The gradient of each step, in double precision, before it is clipped."""
    steps, plain = [], Trainer._step

    def step(self, iterator):
        optimizer = self.state.optimizer
        model = self.state.model.double()

        def note(*_):
            steps.append([p.grad.clone() for p in model.parameters()])

        handle = optimizer.register_step_pre_hook(note)
        done = plain(self, iterator)
        handle.remove()
        return done

    to_device = Trainer._to_device

    def in_double(self, batch):
        batch = to_device(self, batch)
        return batch | {"image": batch["image"].double()}

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", step)
        patch.setattr(Trainer, "_to_device", in_double)
        patch.setattr(
            Trainer, "evaluate", lambda *_, **__: {"loss": 1.0, "accuracy": 0.5}
        )
        plain_terms = ("train.ema=0", "optim.clip=0", "augment.mixup=0")
        steady = (
            "model.name=lenet5",
            "data.toy.size=28",
            "model.widths=null",
            "model.dropout=null",
            "train.epochs=1",
        )
        assert start(out, *plain_terms, *steady, *overrides) == 0
    return steps


@pytest.mark.spec("CNN-165", "over k batches gives the gradient of their mean")
def test_accumulation_equals_the_big_batch(tmp_path, monkeypatch):
    small = ("data.batch_size=2", "train.accumulate=4")
    parts = gradients(monkeypatch, tmp_path / "a", *small)
    whole = gradients(monkeypatch, tmp_path / "b", "data.batch_size=8")
    assert len(parts) == len(whole) == 2
    for ours, theirs in zip(parts[0], whole[0], strict=True):
        assert ours.dtype == torch.float64 and theirs.abs().max() > 0
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def torch_rates(scheduler_of, config: OptimConfig, total: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], config.lr)
    scheduler = scheduler_of(optimizer)
    rates = []
    for _ in range(total):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


SCHEDULERS = torch.optim.lr_scheduler


@pytest.mark.spec("CNN-166", "The learning rate of a step is a function of its number")
@pytest.mark.parity("rates of the schedules", "torch.optim.lr_scheduler")
@pytest.mark.parametrize(
    ("schedule", "scheduler_of"),
    [
        ("constant", lambda o: SCHEDULERS.ConstantLR(o, 1.0)),
        ("cosine", lambda o: SCHEDULERS.CosineAnnealingLR(o, 40)),
        ("linear", lambda o: SCHEDULERS.PolynomialLR(o, 40, power=1.0)),
        ("poly", lambda o: SCHEDULERS.PolynomialLR(o, 40, power=0.9)),
    ],
)
def test_schedules_equal_those_of_torch(schedule, scheduler_of, parity):
    config = OptimConfig(lr=0.3, schedule=schedule, warmup=0.0)
    ours = [lr_at(config, step, 40) for step in range(40)]
    parity.value(ours, torch_rates(scheduler_of, config, 40), atol=1e-12)


def test_one_cycle_has_the_shape_of_torch():
    config = OptimConfig(lr=1.0, schedule="one_cycle")
    ours = [lr_at(config, step, 1000) for step in range(1000)]

    def one_cycle(optimizer):
        return SCHEDULERS.OneCycleLR(optimizer, 1.0, 1000, final_div_factor=400)

    theirs = torch_rates(one_cycle, config, 1000)
    assert ours == pytest.approx(theirs, abs=0.006)  # torch's peak is one step earlier
    assert ours[0] == pytest.approx(1 / 25) and max(ours) == ours[300] == 1.0
    assert lr_at(config, 1000, 1000) == pytest.approx(1e-4)


@pytest.mark.spec("CNN-166", "after a linear warm-up")
@given(
    schedule=st.sampled_from(["constant", "cosine", "linear", "poly", "noam"]),
    warmup=st.floats(0, 1),
    total=st.integers(1, 300),
)
def test_the_rate_rises_on_a_line_and_never_leaves_its_range(schedule, warmup, total):
    config = OptimConfig(lr=2.0, schedule=schedule, warmup=warmup)
    rates = [lr_at(config, step, total) for step in range(total + 1)]
    assert all(0 <= rate <= 2.0 for rate in rates)
    rising = rates[: math.ceil(warmup * total)]
    slopes = [b - a for a, b in zip(rising, rising[1:], strict=False)]
    assert slopes == pytest.approx([2.0 / (warmup * total + 1)] * len(slopes))
    falling = rates[len(rising) :]
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize(
    "schedule", ["constant", "cosine", "linear", "poly", "one_cycle", "noam"]
)
@pytest.mark.parametrize("total", [1, 2, 3])
def test_the_shortest_runs_have_a_rate(schedule, total):
    config = OptimConfig(schedule=schedule)
    assert all(0 < lr_at(config, step, total) <= config.lr for step in range(total))


@pytest.mark.spec("CNN-167", "after `patience` evaluations that gain less")
def test_early_stopping_counts_useless_evaluations(tmp_path, monkeypatch):
    scores = iter([0.5, 0.1, 0.2, 0.2005, 0.3, 0.2, 0.3005, 0.9, 0.95])

    def evaluate(self, split, batches=None):
        return {"loss": 1.0, "accuracy": next(scores)}

    monkeypatch.setattr(Trainer, "evaluate", evaluate)
    patient = ("train.patience=2", "train.min_gain=0.01", "train.epochs=8")
    assert start(tmp_path, *patient) == 0
    judged = [
        row["accuracy"] for row in rows(tmp_path / "run") if row["split"] == "val"
    ]
    assert judged == ["0.1", "0.2", "0.2005", "0.3", "0.2", "0.3005"]


@pytest.mark.parametrize(
    ("mode", "values", "waited", "best"),
    [
        ("max", [0.1, 0.2, 0.3], 0, 0.3),
        ("max", [0.3, 0.2, 0.1], 2, 0.3),
        ("min", [0.3, 0.2, 0.1], 0, 0.1),
        ("max", [0.100, 0.104, 0.108, 0.112], 0, 0.112),  # slow gains add up
        ("max", [0.1, 0.105], 1, 0.105),
        ("max", [0.56, 0.57], 0, 0.57),  # as floats not quite 0.01 apart
        ("max", [math.nan, 0.1, math.nan, math.inf], 2, 0.1),
        ("max", [math.nan], 1, None),
    ],
)
def test_judging(mode, values, waited, best):
    progress = Progress()
    for value in values:
        progress.judge(value, mode, 0.01)
    assert (progress.waited, progress.best) == (waited, best)


@pytest.mark.spec("CNN-168", "The same seed gives the same run, another seed")
def test_the_seed_decides_the_run(tmp_path):
    short = "train.epochs=1"
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert start(tmp_path / name, short, seed=seed) == 0
    a, b, c = (digest(tmp_path / name / "run") for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_weight_decay_spares_biases_and_norms(name):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 2))
    model[2].weight.requires_grad_(False)
    optimizer = build_optimizer(OptimConfig(name=name, weight_decay=0.1), model)
    decay = {
        id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]
    }
    found = {k: decay.get(id(p)) for k, p in model.named_parameters()}
    assert found == {
        "0.weight": 0.1, "0.bias": 0.0, "1.weight": 0.0, "1.bias": 0.0,
        "2.weight": None, "2.bias": 0.0,
    }  # fmt: skip


@given(
    n=st.integers(4, 60), batch=st.integers(1, 9), seed=st.integers(0, 99),
    epoch=st.integers(0, 5), world=st.sampled_from([1, 2, 4]), data=st.data(),
)  # fmt: skip
def test_the_batches_of_all_ranks_are_those_of_one(n, batch, seed, epoch, world, data):
    batch *= world

    def batches(start=0, rank=0, world=1):
        options = {"seed": seed, "epoch": epoch, "start": start}
        return list(EpochBatches(n, batch, rank=rank, world=world, **options))

    whole = batches()
    seen = [index for one in whole for _, index in one]
    assert len(seen) == len(set(seen)) and set(seen) <= set(range(n))
    assert len(whole) == max(n // batch, 1) and all(e == epoch for e, _ in whole[0])
    start_at = data.draw(st.integers(0, len(whole)))
    assert batches(start_at) == whole[start_at:]
    if n >= batch:
        ranks = [batches(0, rank, world) for rank in range(world)]
        for b, one in enumerate(whole):
            assert sorted(sum((r[b] for r in ranks), [])) == sorted(one)
            assert len({len(r[b]) for r in ranks}) == 1


@pytest.mark.parametrize("samples", [1, 3])
def test_fewer_samples_than_a_batch_are_trained_on(tmp_path, samples):
    few = (f"data.toy.n_train={samples}", "train.epochs=2", "train.log_every=1")
    assert start(tmp_path, *few) == 0
    assert [r["step"] for r in rows(tmp_path / "run") if r["split"] == "train"] == [
        "1", "2",
    ]  # fmt: skip


def test_an_epoch_too_short_to_accumulate_is_refused(tmp_path):
    with pytest.raises(InputError, match="train.accumulate = 9: an epoch has only 4"):
        start(tmp_path, "train.accumulate=9")
