"""Reasoning runs as a user starts them: two processes, and every command after them."""

from dataclasses import replace

import pytest
import torch

from src.training import launch
from src.training.task import build
from tests import tiny_reason
from tests.forked import end_forked
from tests.integration_ddp import fork_ranks, weights_of


@pytest.fixture(autouse=True)
def no_child_survives_its_test():
    yield
    end_forked()


@pytest.mark.spec("SEQ-235", "Two processes reinforce as one does")
@pytest.mark.parametrize("algorithm", ["grpo", "dr_grpo"])
def test_two_processes_equal_one(tmp_path, monkeypatch, algorithm):
    def build_in_double(config):
        setup = build(config)
        return replace(setup, model=setup.model.double())

    monkeypatch.setattr(launch, "build", build_in_double)
    given = (f"reason.algorithm={algorithm}",)
    codes, said = fork_ranks(tmp_path / "two", *given, begin=tiny_reason.start)
    assert codes == [0, 0], said
    assert tiny_reason.start(tmp_path / "one", *given) == 0
    one, two = (weights_of(tmp_path / name / "run") for name in ("one", "two"))
    assert {weight.dtype for weight in one.values()} == {torch.float64}
    assert max((one[name] - two[name]).abs().max() for name in one) <= 1e-12


def test_two_processes_train_a_critic(tmp_path):
    """Whose mean over tokens is that of each process: equal only nearly."""
    given = ("reason.algorithm=ppo", "reason.updates=2")
    codes, said = fork_ranks(tmp_path, *given, begin=tiny_reason.start)
    assert codes == [0, 0], said
    weights = weights_of(tmp_path / "run")
    assert weights["value.weight"].abs().max() > 0
