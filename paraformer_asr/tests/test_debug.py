# pattern: tests/test_debug.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_debug.py --from <sub-project>
"""The tools of `debug.py` find what they look for, and what they say is so."""

import pytest
import torch
from torch import nn

from src.utils import debug
from src.utils.tensor_utils import to_device


class Inverse(nn.Module):
    def forward(self, x):
        return {"value": 1 / x, "count": torch.zeros(1, dtype=torch.int64)}


class Both(nn.Module):
    """Two branches whose names sort against the order in which they run."""

    def __init__(self):
        super().__init__()
        self.b_first, self.a_second = nn.ReLU(), Inverse()

    def forward(self, x):
        return self.a_second(self.b_first(x))["value"]


def test_the_first_module_that_gives_what_is_not_finite_is_named():
    model = nn.Sequential(nn.Identity(), Both(), nn.Identity())
    assert (
        debug.first_nonfinite(model, lambda: model(torch.tensor([-1.0])))
        == "1.a_second"
    )
    assert debug.first_nonfinite(model, lambda: model(torch.tensor([1.0]))) is None
    assert debug.first_nonfinite(model, lambda: model(torch.tensor([torch.nan]))) == "0"


def test_a_model_that_is_one_module_is_named_by_its_class():
    model = Inverse()
    assert debug.first_nonfinite(model, lambda: model(torch.zeros(1))) == "Inverse"


@pytest.mark.parametrize("fails", [False, True])
def test_no_hook_is_left_behind(fails):
    model = nn.Linear(2, 2)
    try:
        debug.first_nonfinite(model, lambda: model(torch.ones(3 if fails else 2)))
    except RuntimeError:
        assert fails
    assert not model._forward_hooks


def test_the_first_gradient_that_is_not_finite_is_named():
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1, bias=False))
    assert debug.first_nonfinite_gradient(model) is None
    model(torch.ones(1)).backward()
    assert debug.first_nonfinite_gradient(model) is None
    model[0].bias.grad[0] = torch.inf
    assert debug.first_nonfinite_gradient(model) == "0.bias"


def test_of_many_bad_gradients_the_one_nearest_to_the_loss_is_named():
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1))
    hidden = model[1](model[0](torch.ones(1)))
    hidden.register_hook(lambda gradient: gradient * torch.nan)
    model[2](hidden).backward()
    assert model[0].weight.grad.isnan() and model[2].weight.grad.isfinite()
    assert debug.first_nonfinite_gradient(model) == "1.bias"


def test_the_tables_hold_the_numbers():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU())
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[3.0, 0.0], [0.0, -4.0]]))
    x = torch.ones(1, 2)
    _, linear, relu, whole = debug.activation_table(
        model, lambda: model(x)
    ).splitlines()
    assert linear.split() == ["0", "1x2", "-0.5", "3.5", "0.0%"]
    assert relu.split() == ["1", "1x2", "1.5", "1.5", "50.0%"]
    assert whole.split()[0] == "Sequential"

    assert debug.gradient_table(model).splitlines()[1].split() == [
        "0.weight",
        "5",
        "none",
        "-",
    ]
    model(x).sum().backward()
    row = debug.gradient_table(model).splitlines()[1]
    assert row.split() == ["0.weight", "5", "1.41", "0.283"]


class Wrong(torch.autograd.Function):
    """The square, with a gradient that is wrong by one part in ten thousand."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2.0002 * x * gradient


class Square(nn.Module):
    def __init__(self, right: bool):
        super().__init__()
        self.weight, self.right = nn.Parameter(torch.randn(3)), right

    def forward(self, x):
        x = x * self.weight
        return x * x if self.right else Wrong.apply(x)


def test_the_gradient_check_sees_one_part_in_ten_thousand():
    x = torch.randn(4, 3)
    assert debug.gradient_error(Square(right=True), x) < 1e-7
    assert debug.gradient_error(Square(right=False), x) > 1e-5


def test_the_gradient_check_takes_tokens_and_leaves_the_parameters_as_they_were():
    model = nn.Embedding(5, 3)
    before = model.weight.detach().double()
    assert debug.gradient_error(model, torch.tensor([[0, 4]])) < 1e-7
    assert torch.equal(model.weight, before)


def test_every_model_of_the_project_passes_the_gradient_check(capsys):
    assert debug.main(["--check-gradients"]) == 0
    names = [name for name, *_ in debug.models()]
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == names and names
    assert all(line.endswith("  ok") for line in lines)


def test_a_wrong_gradient_is_exit_code_1(capsys, monkeypatch):
    wrong = [("square", Square(right=False), torch.randn(4, 3))]
    monkeypatch.setattr(debug, "models", lambda: wrong)
    assert debug.main(["--check-gradients"]) == 1
    assert capsys.readouterr().out.splitlines()[1].endswith("  FAILED")


def test_a_batch_is_moved_and_what_is_no_tensor_stays():
    image, name = torch.zeros(2, 3, 4, 4), ["a", "b"]
    batch = {
        "image": image,
        "target": torch.zeros(2, 4, dtype=torch.int64),
        "name": name,
    }
    moved = to_device(batch, "meta", channels_last=True)
    assert moved["image"].is_contiguous(memory_format=torch.channels_last)
    assert moved["target"].device.type == "meta" and moved["name"] == name
    assert image.device.type == "cpu" and image.is_contiguous()
    whole, half = torch.zeros(1, 2, 3, 4, dtype=torch.int64), torch.zeros(2)
    inner, (more, last) = to_device([whole, (half, 7)], "meta", channels_last=True)
    assert inner.is_contiguous() and more.device.type == "meta" and last == 7


def test_the_usage_is_what_one_types(capsys):
    with pytest.raises(SystemExit):
        debug.main(["--help"])
    assert capsys.readouterr().out.startswith("usage: python -m src.utils.debug ")


# local: begin
pytest.mark.spec("ASR-149", "the gradient of every model with central differences")(
    test_every_model_of_the_project_passes_the_gradient_check
)
pytest.mark.spec("ASR-149", "exits with 1 if one is wrong")(
    test_a_wrong_gradient_is_exit_code_1
)
# local: end
