"""One program on three engines."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch


PROGRAM = Path(__file__).resolve().parents[1] / "examples/three_engines.py"


@pytest.fixture(scope="module")
def program():
    return SimpleNamespace(**runpy.run_path(str(PROGRAM)))


def losses(steps, rounds: int = 20) -> dict[str, list[float]]:
    return {name: [step() for _ in range(rounds)] for name, step in steps.items()}


@pytest.mark.spec("AGE-094", "the same losses to 1e-9 over 20 steps")
def test_the_losses_of_all_levels_are_equal(program):
    found = losses(program.engines(program.problem(), fast=False, torch=torch))
    assert set(found) == {"1 scalars", "2 simple", "3 engine", "torch"}
    for name, values in found.items():
        np.testing.assert_allclose(values, found["torch"], rtol=0, atol=1e-12,
                                   err_msg=name)  # fmt: skip
        assert values[-1] < values[0]


@pytest.mark.numba
@pytest.mark.spec("AGE-094", "on levels 1, 2 and 3")
def test_the_compiled_backend_agrees(program):
    pytest.importorskip("numba")
    data = program.problem()
    steps = {"fast": program.level2(*data, "fast"), "engine": program.level3(*data)}
    found = losses(steps)
    np.testing.assert_allclose(found["fast"], found["engine"], rtol=0, atol=1e-12)


def test_other_shapes_and_data_agree_too(program):
    data = program.problem(count=12, sizes=(2, 5, 4, 3, 1))
    found = losses(program.engines(data, fast=False, torch=torch), rounds=6)
    spread = np.ptp(list(found.values()), axis=0)
    assert spread.max() < 1e-12
