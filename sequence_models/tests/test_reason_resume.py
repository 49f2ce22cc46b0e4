"""A reasoning run that was stopped in either stage ends as one that never was."""

import signal

import pytest
import torch

from src.training import state as state_module
from src.training import trainer as trainer_module
from src.training.stage import Stages
from src.training.trainer import Trainer
from tests.tiny import digest, rows
from tests.tiny_reason import resume, start


KINDS = {
    "grpo": ("reason.algorithm=grpo",),
    "everything that is carried": (
        "reason.algorithm=ppo", "reason.updates=3", "reason.kl=0.1",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=KINDS)
def unbroken(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken")
    assert start(out, *KINDS[request.param]) == 0
    learnt = [row for row in rows(out / "run") if row["reward"]]
    assert all(0 < float(row["reward"]) < 1 for row in learnt) and learnt
    return out / "run", KINDS[request.param]


def stop_at(monkeypatch, step: int) -> None:
    """Let a SIGTERM arrive while step `step` is computed."""
    plain = Trainer._step

    def stepping(self, iterator):
        if self.state.progress.step == step - 1:
            signal.raise_signal(signal.SIGTERM)
        return plain(self, iterator)

    monkeypatch.setattr(trainer_module.Trainer, "_step", stepping)


@pytest.mark.spec("SEQ-228", "in either stage, between them and amid the steps")
@pytest.mark.parametrize("step", [3, 8, 9, 13, 14])
def test_resume_is_bit_identical(tmp_path, monkeypatch, unbroken, step):
    whole, overrides = unbroken
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        assert start(tmp_path, *overrides) == 143
    assert resume(tmp_path) == 0
    run = tmp_path / "run"
    assert digest(run) == digest(whole)
    assert (run / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()
    for name in ("best.pt", "supervised.pt"):
        ours, theirs = (
            torch.load(folder / "checkpoints" / name, weights_only=True)["model"]
            for folder in (run, whole)
        )
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.spec("SEQ-228", "the weights, optimiser and rows")
@pytest.mark.parametrize("name", ["sgd", "muon"])
def test_the_optimiser_of_the_first_stage_may_be_another(tmp_path, monkeypatch, name):
    overrides = (f"optim.name={name}", "train.epochs=3")
    assert start(tmp_path / "whole", *overrides) == 0
    with monkeypatch.context() as patch:
        stop_at(patch, 10)
        assert start(tmp_path, *overrides) == 143
    assert resume(tmp_path) == 0
    assert digest(tmp_path / "run") == digest(tmp_path / "whole/run")


@pytest.mark.parametrize("forgotten", ["drawn", "reference", "log"])
def test_what_is_carried_is_needed(tmp_path, monkeypatch, forgotten):
    overrides = KINDS["everything that is carried"]
    assert start(tmp_path / "whole", *overrides) == 0
    with monkeypatch.context() as patch:
        stop_at(patch, 13)
        assert start(tmp_path, *overrides) == 143
    last = tmp_path / "run/checkpoints/last.pt"
    saved = torch.load(last, weights_only=True)
    saved["carried"][0].pop(forgotten)
    if forgotten == "drawn":
        saved["carried"][0].pop("left")
    torch.save(saved, last)
    assert resume(tmp_path) == 0
    same = digest(tmp_path / "run") == digest(tmp_path / "whole/run")
    logged = rows(tmp_path / "run") == rows(tmp_path / "whole/run")
    assert (same, logged) != (True, True)


@pytest.mark.spec("SEQ-229", "an optimiser and a schedule of their own")
def test_a_stage_begins_with_an_optimiser_of_its_own(tmp_path, monkeypatch):
    kept, plain = [], state_module.State.begin_stage

    def beginning(self, run, ended, optim):
        before = [w.clone() for w in self.model.state_dict().values()]
        plain(self, run, ended, optim)
        kept.append((before, ended, optim, dict(self.optimizer.state)))

    monkeypatch.setattr(state_module.State, "begin_stage", beginning)
    assert start(tmp_path) == 0
    ((before, ended, optim, moments),) = kept
    assert (ended, optim.lr, optim.weight_decay, moments) == ("supervised", 4e-4, 0, {})
    saved = torch.load(tmp_path / "run/checkpoints/supervised.pt", weights_only=True)
    pairs = zip(before, saved["model"].values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    rates = [float(row["lr"]) for row in rows(tmp_path / "run") if row["lr"]]
    # Steps 3 and 6 of 8 by the cosine; then 9, 12, 15: the first 8 are all warm-up.
    assert rates[0] > rates[1] > rates[3] and rates[2] < rates[3] < rates[4] <= 4e-4


def test_one_stage_is_the_whole_run():
    class Config:
        optim = None

        class train:
            epochs = 3

    stages = Stages(object(), Config, 5)
    assert [(stage.name, stage.first) for stage in stages.all] == [("", 0)]
