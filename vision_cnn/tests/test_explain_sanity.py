"""Maps under weights that forget (Adebayo et al. 2018)."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from src.explain.gradients import saliency
from src.explain.sanity import (
    layers_from_the_top,
    randomisation_check,
    rank_correlation,
)
from tests.explained import images, relu_net, same_state, state_of


@pytest.mark.spec("CNN-092", "from the top down")
def test_layers_forget_from_the_top_and_stay_forgotten():
    model, (image, target) = relu_net(), images()
    seen = []

    def watch(model, image, target):
        seen.append({k: v.clone() for k, v in model.named_parameters()})
        return saliency(model, image, target)

    stages = randomisation_check(watch, model, image, target)
    assert [stage.layer for stage in stages] == ["", "7", "3", "1", "0"]
    for place, now in enumerate(seen[1:], 1):
        forgotten = {f"{stage.layer}.weight" for stage in stages[1 : place + 1]}
        constant = {"1.weight"}  # all ones: drawn anew, it is all ones again
        changed = {
            k for k in now if k.endswith("weight") and (now[k] != seen[0][k]).any()
        }
        assert changed == forgotten - constant


def test_weights_are_drawn_anew_with_the_mean_and_deviation_they_had():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 64, 5), nn.Flatten(), nn.Linear(64 * 4 * 4, 2))
    model[0].weight.data.mul_(7).add_(3)
    kept = []

    def watch(model, image, target):
        kept.append(model[0].weight.clone())
        return torch.zeros(1, 8, 8)

    image, target = torch.zeros(1, 3, 8, 8), torch.tensor([0])
    randomisation_check(watch, model, image, target)
    trained, _, forgotten = kept
    assert abs(forgotten.mean() - trained.mean()) < 0.05
    assert abs(forgotten.std() / trained.std() - 1) < 0.05
    assert rank_correlation(trained - 3, forgotten - 3) < 0.05


@pytest.mark.spec("CNN-092", "a map that is drawn from the image alone stays at 1")
def test_a_map_of_the_image_alone_never_notices():
    stages = randomisation_check(
        lambda model, image, target: image.sum(1), relu_net(), *images()
    )
    assert [stage.similarity for stage in stages] == pytest.approx([1.0] * 5)


@pytest.mark.spec("CNN-092", "the similarity of saliency falls")
def test_saliency_notices():
    stages = randomisation_check(saliency, relu_net(), *images())
    assert stages[0].similarity == pytest.approx(1)
    assert stages[-1].similarity < 0.5


@pytest.mark.parametrize(
    "stages, layers", [(1, "0"), (2, "30"), (3, "710"), (9, "7310")]
)
def test_some_stages_are_spread_evenly_and_end_at_the_bottom(stages, layers):
    found = randomisation_check(saliency, relu_net(), *images(), stages=stages)
    assert "".join(stage.layer for stage in found[1:]) == layers


def test_the_seed_decides_what_is_drawn():
    maps = [
        randomisation_check(saliency, relu_net(), *images(), stages=1, seed=s)[1].map
        for s in (1, 1, 2)
    ]
    assert torch.equal(maps[0], maps[1]) and not torch.equal(maps[0], maps[2])


@pytest.mark.spec("CNN-088", "no hook, no changed mode and no gradient")
def test_the_model_is_left_as_it_was():
    model = relu_net().train()
    before = state_of(model)
    randomisation_check(saliency, model, *images(), stages=2)
    assert same_state(before, state_of(model))


def test_parameters_of_a_layer_that_does_not_run_by_itself_forget_last():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.shift = nn.Parameter(torch.zeros(3, 1, 1))
            self.conv = nn.Conv2d(3, 2, 3)

        def forward(self, image):
            return self.conv(image + self.shift).mean((2, 3))

    assert layers_from_the_top(Net(), images()[0]) == ["conv", ""]


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=30), st.data())
def test_the_rank_correlation_equals_scipy(first, data):
    stats = pytest.importorskip("scipy.stats")
    size = len(first)
    second = data.draw(st.lists(st.integers(-5, 5), min_size=size, max_size=size))
    a, b = torch.tensor([first]).double(), torch.tensor([second]).double()
    found = rank_correlation(a, b)
    if len(a.abs().unique()) > 1 and len(b.abs().unique()) > 1:
        wanted = stats.spearmanr(a[0].abs(), b[0].abs()).statistic
        assert found == pytest.approx(wanted, abs=1e-12)
    else:
        assert found in (0, 1)


def test_a_map_without_order_is_like_another_such_map_only():
    flat, other = torch.zeros(1, 4), torch.arange(4.0)[None]
    assert rank_correlation(flat[0], other[0]) == 1  # a map is one value
    assert rank_correlation(flat, flat + 2) == 1
    assert rank_correlation(flat, other) == 0
    assert rank_correlation(torch.full((1, 4), torch.nan), other) != 0
