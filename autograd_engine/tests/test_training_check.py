"""The tools of debug mode find what is wrong, and where."""

import numpy as np
import pytest

from src import nn
from src.engine.function import Function
from src.engine.tensor import Tensor
from src.training import check
from src.training.debug import (
    activation_table,
    first_nonfinite,
    first_nonfinite_gradient,
    gradient_error,
    gradient_table,
)
from src.utils.debug import main


class Doubled(Function):
    """The identity, whose gradient is wrong by a factor."""

    @staticmethod
    def forward(ctx, x):
        return x.data.copy()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2.0


class Wrong(nn.Module):
    def forward(self, x):
        return Doubled.apply(x)


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


@pytest.fixture
def points():
    return Tensor(np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32))


def test_a_right_gradient_passes_and_a_wrong_one_does_not(model, points):
    assert gradient_error(model, [points]) < 1e-7
    wrong = nn.Sequential(nn.Linear(3, 4), Wrong(), nn.Linear(4, 2))
    assert gradient_error(wrong, [points]) > 0.1


@pytest.mark.spec("AGE-089", "exits with 1 if one is wrong")
def test_the_command_ends_with_1_for_a_wrong_gradient(monkeypatch, capsys, points):
    wrong = nn.Sequential(nn.Linear(3, 2), Wrong())
    monkeypatch.setattr(check, "models", lambda: iter([("wrong", wrong, [points])]))
    assert main(["--check-gradients"]) == 1
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.spec("AGE-089", "compares the gradient of every model")
def test_the_gradient_of_every_model_is_right(capsys):
    assert main(["--check-gradients"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert all(line.endswith("ok") for line in lines)
    names = {"logistic", "mlp", "lenet", "cnn", "resnet", "lstm", "gpt", "scalar_mlp"}
    assert {line.split()[0] for line in lines} == names


def test_the_first_bad_module_and_gradient_are_named(model, points):
    assert first_nonfinite(model, lambda: model(points)) is None
    model[2].weight.data[0, 0] = np.inf
    assert first_nonfinite(model, lambda: model(points)) == "2"
    assert "forward" not in model[2].__dict__
    model[2].weight.data[0, 0] = 0
    model(points).sum().backward()
    assert first_nonfinite_gradient(model) is None
    model[0].bias.grad.data[0] = np.nan
    assert first_nonfinite_gradient(model) == "0.bias"


def test_the_tables_show_shapes_zeros_and_ratios(model, points):
    seen = activation_table(model, lambda: model(points)).splitlines()
    assert seen[0].split() == ["module", "shape", "mean", "std", "zeros"]
    assert [line.split()[:2] for line in seen[1:]] == [
        ["0", "5x4"], ["1", "5x4"], ["2", "5x2"], ["Sequential", "5x2"],
    ]  # fmt: skip
    model[0].bias.data[:] = 0
    assert "none" in gradient_table(model)
    model(points).sum().backward()
    lines = {
        line.split()[0]: line.split() for line in gradient_table(model).split("\n")
    }
    assert lines["0.bias"][3] == "-" and float(lines["2.weight"][3]) > 0
