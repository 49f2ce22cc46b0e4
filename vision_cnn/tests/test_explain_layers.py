"""Outputs of layers by name: as they were computed, and nothing left behind."""

import pytest
import torch
from torch import nn

from src.explain.layers import as_map, capture, last_spatial_layer, layer_shapes
from src.utils.errors import InputError
from tests.explained import images, relu_net, same_state, state_of


def test_what_is_captured_in_front_of_an_in_place_relu_is_what_the_layer_gave():
    model, (image, _) = relu_net(), images()
    with capture(model, image, ["1", "2"]) as seen:
        before, after = seen.outputs["1"], seen.outputs["2"]
    assert (before < 0).any()
    assert torch.equal(before.relu(), after)
    assert torch.equal(seen.logits, model.eval()(image))


def test_the_gradient_of_a_captured_layer_is_that_of_the_network_behind_it():
    model, (image, _) = relu_net().double(), images()
    image = image.double()
    with capture(model, image, ["1"]) as seen:
        (gradient,) = torch.autograd.grad(seen.logits[0, 2], seen.outputs["1"])
    behind = model[2:].eval()
    start = seen.outputs["1"].detach().requires_grad_()
    (wanted,) = torch.autograd.grad(behind(start.clone())[0, 2], start)
    assert torch.allclose(gradient, wanted, atol=1e-12)


@pytest.mark.spec("CNN-088", "no hook, no changed mode")
@pytest.mark.parametrize("where", ["model", "body", "name"])
def test_nothing_is_left_behind_after_an_exception(where):
    model, (image, _) = relu_net(), images()
    model.train()
    model[1].eval()  # a frozen batch norm must be frozen afterwards too
    before = state_of(model)
    wrong = image[:, :, :5] if where == "model" else image
    with pytest.raises((RuntimeError, InputError)):
        with capture(model, wrong, ["1", "none" if where == "name" else "4"]):
            assert not any(m._forward_hooks for m in model.modules())
            assert not model.training
            raise RuntimeError("in the body")
    assert same_state(before, state_of(model))


def test_an_unknown_layer_is_refused_with_the_nearest_names():
    model = nn.Sequential()
    model.add_module("stage1", nn.Conv2d(3, 2, 1))
    with pytest.raises(
        InputError, match="layer 'stage11' is not one of .* did you mean stage1?"
    ):
        with capture(model, torch.zeros(1, 3, 4, 4), ["stage11"]):
            pass


def test_a_layer_that_gives_no_tensor_is_refused_with_those_that_do():
    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.pair, self.conv = Pair(), nn.Conv2d(3, 2, 1)

        def forward(self, image):
            return self.conv(self.pair(image)[0]).mean((2, 3))

    with pytest.raises(
        InputError, match=r"layer 'pair' of Net gave no tensor .*: conv$"
    ):
        with capture(Net(), torch.zeros(1, 3, 4, 4), ["pair"]):
            pass


def test_shapes_come_in_the_order_in_which_layers_finish():
    model = nn.Sequential(relu_net()[:3], relu_net()[3:])
    shapes = layer_shapes(model, images()[0])
    assert list(shapes)[:5] == ["0.0", "0.1", "0.2", "0", "1.3"]
    assert shapes["0"] == (2, 4, 12, 11) and shapes["1"] == (2, 5)


def test_a_layer_that_runs_twice_stands_where_it_ran_last():
    relu = nn.ReLU()
    model = nn.Sequential(relu, nn.Conv2d(3, 2, 3), relu, nn.Flatten())
    image = torch.ones(1, 3, 4, 4)
    assert list(layer_shapes(model, image)) == ["1", "0", "3"]
    assert layer_shapes(model, image)["0"] == (1, 2, 2, 2)


def test_the_last_layer_with_positions_is_not_the_pooled_one():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    assert last_spatial_layer(model, images()[0]) == "1"


class Tokens(nn.Module):
    """Patches of 4, a class token in front, one attention, a linear layer."""

    def __init__(self, pooled: str):
        super().__init__()
        self.pooled = pooled
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.before, self.key = nn.LayerNorm(8), nn.Linear(8, 8)
        self.drop = nn.Dropout(0.1)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, image):
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([x.mean(1, keepdim=True), x], 1)
        x = self.before(x)
        scores = x @ self.key(x).transpose(1, 2)
        weights = self.drop(scores.softmax(2)[:, None])
        x = self.norm(weights[:, 0] @ x)
        return self.head(x[:, 0] if self.pooled == "class token" else x[:, 1:].mean(1))


@pytest.mark.spec("CNN-091", "the last layer with several positions that counts")
@pytest.mark.parametrize("pooled, layer", [("class token", "before"), ("mean", "norm")])
def test_behind_the_last_attention_tokens_that_nobody_reads_do_not_count(pooled, layer):
    torch.manual_seed(0)
    model = Tokens(pooled).train()
    assert last_spatial_layer(model, torch.randn(2, 3, 12, 16)) == layer
    assert model.drop.training


def test_tokens_become_maps_on_the_grid_of_patches():
    image = torch.zeros(2, 3, 8, 12)
    tokens = torch.arange(2 * 7 * 5.0).view(2, 7, 5)
    grid = as_map(tokens, image)  # 2x3 patches of 4 behind a class token
    assert grid.shape == (2, 5, 2, 3)
    assert torch.equal(grid[1, :, 1, 0], tokens[1, 1 + 3])
    assert torch.equal(as_map(tokens[:, 1:], image), grid)
    assert as_map(tokens[:, :5], image) is None
    assert as_map(tokens[:, 0], image) is None


def test_channels_that_stand_last_are_put_first():
    image = torch.zeros(2, 3, 16, 24)
    inside = torch.randn(2, 4, 6, 32)
    assert torch.equal(as_map(inside, image), inside.permute(0, 3, 1, 2))
    for shape in [(2, 32, 4, 6), (2, 4, 4, 6), (2, 3, 12, 20), (2, 8, 1, 1)]:
        assert as_map(torch.zeros(shape), image).shape == shape


def test_a_frozen_model_has_a_last_layer_too():
    model = relu_net().requires_grad_(False)
    assert last_spatial_layer(model, images()[0]) == "5"


def test_a_model_that_depends_on_nothing_gives_its_last_map():
    model = relu_net()
    nn.init.zeros_(model[-1].weight)
    assert last_spatial_layer(model, images()[0]) == "5"


def test_a_model_without_maps_is_refused():
    model = nn.Sequential(nn.Flatten(), nn.Linear(27, 2))
    with pytest.raises(InputError, match="no layer with more than one position"):
        last_spatial_layer(model, torch.zeros(1, 3, 3, 3))
