"""Kernels and feature maps of every network, and the colours they are drawn in."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from src.explain.feature_maps import (
    FeatureMaps,
    draw_feature_maps,
    feature_maps,
    layers_across,
    maps_figure,
)
from src.explain.grids import colours, columns_for, common_scale, palette_of, tile
from src.explain.kernels import (
    Kernels,
    convolutions,
    draw_kernels,
    first_kernels,
    kernels_figure,
    layer_kernels,
    principal_patterns,
    strongest,
)
from src.models import MODELS, ModelConfig, build_model, options_of
from src.utils.errors import InputError
from src.utils.plots import new_figure
from tests.explained import images, relu_net, same_state, state_of


def small(name: str, channels: int = 3):
    """The network, as narrow as its options allow, and an image for it."""
    torch.manual_seed(0)
    narrow = {"width": 0.25} if "width" in options_of(name) else {}
    model = build_model(ModelConfig(name, **narrow), channels, 4, (32, 32))
    return model.eval(), torch.randn(1, channels, 32, 32)


@pytest.mark.spec("CNN-100", "found by itself in every network")
@pytest.mark.parametrize("name", MODELS)
def test_the_first_kernels_of_every_network_read_the_image(name):
    model, image = small(name, channels=1)
    kernels = first_kernels(model)
    assert kernels.weight.shape[1] == 1 and kernels.weight.shape[-1] > 1
    assert torch.equal(kernels.weight, model.get_submodule(kernels.name).weight)
    assert not kernels.weight.requires_grad


@pytest.mark.spec(
    "CNN-101", "a few blocks from the first to the last, of every network"
)
@pytest.mark.parametrize("name", MODELS)
def test_maps_across_the_depth_of_every_network(name):
    model, image = small(name)
    before = state_of(model)
    names = layers_across(model, image)
    assert 3 <= len(names) <= 6 and len(set(names)) == len(names)
    found = feature_maps(model, image, names, 5)
    sides = [maps.maps.shape[1] for maps in found]
    assert sides == sorted(sides, reverse=True) and sides[-1] > 1
    assert all(maps.maps.shape[0] == min(5, maps.total) for maps in found)
    assert same_state(before, state_of(model))


@pytest.mark.spec("CNN-101", "the strongest channels first")
def test_maps_are_the_output_of_the_layer_strongest_first():
    model, (image, _) = relu_net(inplace=False).eval(), images(1)
    (found,) = feature_maps(model, image, ["2"], 3)
    output = model[:3](image)[0]
    strength = output.square().mean((1, 2))
    assert found.channels == tuple(strength.argsort(descending=True)[:3].tolist())
    assert torch.allclose(found.maps, output[list(found.channels)])
    assert found.total == 4
    with pytest.raises(InputError, match="layer 7: its output of shape 1x5 has no pos"):
        feature_maps(model, image, ["7"])


@pytest.mark.spec("CNN-100", "on one scale on which zero is white")
@given(st.floats(0.01, 100))
def test_zero_is_white_and_signs_have_their_colours(scale):
    values = torch.tensor([-2.0, -1, 0, 0.5, 1, 2, float("nan")]) * scale
    picture = colours(values, scale)
    assert picture[2].tolist() == [1, 1, 1] and picture[6].tolist() == [0, 0, 0]
    assert torch.equal(picture[0], picture[1]) and torch.equal(picture[4], picture[5])
    red, blue = picture[..., 0], picture[..., 2]
    assert blue[1] > red[1] and red[4] > blue[4] and red[3] > blue[3]
    light = colours(values.clamp_min(0).nan_to_num(0), scale, "positive").mean(1)
    assert light[2] == 1 and light[2] > light[3] > light[4]


def test_the_scale_and_the_palette_of_numbers():
    odd = torch.tensor([-3.0, float("inf"), float("nan"), 1])
    assert common_scale(odd) == 3 and palette_of(odd) == "signed"
    assert common_scale(torch.zeros(4)) == 1 == common_scale(torch.zeros(0))
    assert palette_of(torch.zeros(2)) == "positive"


def test_tiles_stand_row_by_row_in_frames():
    shades = torch.linspace(0, 0.5, 5)[:, None, None, None].expand(5, 50, 60, 3)
    grid = tile(shades, 3)
    assert grid.shape == (2 * 54 - 2, 3 * 64 - 2, 3)
    for number in range(5):
        row, column = divmod(number, 3)
        inside = grid[row * 54 + 1 : row * 54 + 51, column * 64 + 1 : column * 64 + 61]
        assert (inside == shades[number]).all()
    assert (grid[54:, 2 * 64 - 1 :] == 1).all()  # the sixth place is empty
    assert tile(torch.zeros(1, 3, 3, 3), 1).shape == (44, 44, 3)  # small: enlarged
    with pytest.raises(ValueError, match="0 pictures in 2 columns"):
        tile(shades[:0], 2)


@given(st.integers(1, 300), st.floats(0.5, 4))
def test_a_grid_has_room_for_all_and_no_empty_column(count, aspect):
    columns = columns_for(count, aspect)
    rows = -(-count // columns)
    assert 1 <= columns <= count and rows * columns - count < columns
    assert columns_for(64, 1) == 8 and columns_for(24, 1.5) == 6


@pytest.mark.spec("CNN-100", "only the strongest")
def test_where_not_all_fit_the_strongest_come_first():
    weight = torch.tensor([1.0, -5, 3, 0])[:, None, None, None].expand(4, 3, 2, 2)
    assert strongest(weight, 2) == [1, 2] and strongest(weight, 4) == [0, 1, 2, 3]
    axis = new_figure(4, 3).subplots()
    draw_kernels(axis, Kernels("conv", weight), limit=2)
    assert axis.get_title().startswith("conv: 2 strongest of 4 kernels of 2×2; grey is")
    draw_kernels(axis, Kernels("conv", weight[:, :1]), limit=9)
    assert "4 kernels of 2×2; white is zero, the largest weight 5" in axis.get_title()
    draw_kernels(axis, Kernels("conv", weight[:, :2]))  # the mean of both slices
    assert "white is zero, the largest weight 5" in axis.get_title()
    small_ones = torch.cat([weight[:1].repeat(9, 1, 1, 1), 50 * weight[:1]])
    draw_kernels(axis, Kernels("conv", small_ones))
    assert axis.get_title().endswith("each on its own scale")


def test_principal_patterns_rebuild_the_slices_and_count_their_energy():
    torch.manual_seed(0)
    blur, edge = torch.ones(3, 3) / 3, torch.tensor([[-1.0, 0, 1]] * 3) / 6**0.5
    parts = torch.randn(8, 5, 2) * torch.tensor([3.0, 1.0])
    weight = torch.einsum("oip,phw->oihw", parts, torch.stack([blur, edge]))
    shapes, shares = principal_patterns(weight)
    assert torch.allclose(shares.sum(), torch.ones(()))
    assert shares[0] > 0.8 and shares[2:].max() < 1e-6
    basis = shapes.flatten(1)
    assert torch.allclose(basis @ basis.T, torch.eye(9), atol=1e-5)
    assert abs((shapes[0] * blur).sum()) > 0.99
    rows = weight.flatten(0, 1).flatten(1)
    assert torch.allclose(rows @ basis[:2].T @ basis[:2], rows, atol=1e-4)
    assert (principal_patterns(torch.zeros(2, 2, 3, 3))[1] == 0).all()


def test_layers_are_named_and_others_refused():
    model = relu_net()
    assert convolutions(model) == ["0", "3"]
    assert layer_kernels(model, "3").weight.shape == (6, 4, 3, 3)
    with pytest.raises(InputError, match="layer 1: not a convolution.* it has 0, 3"):
        layer_kernels(model, "1")
    with pytest.raises(ValueError, match="Linear has no convolution"):
        first_kernels(nn.Linear(2, 2))


@pytest.mark.parametrize("channels", [1, 3])
def test_pages_are_drawn_for_grey_and_coloured_images(channels):
    model, (image, _) = relu_net(channels=channels).eval(), images(1, channels)
    kernels_figure(model).canvas.draw()
    maps = feature_maps(model, image, layers_across(model, image))
    maps_figure(image[0].sigmoid(), maps).canvas.draw()


def test_maps_of_zeros_and_nan_are_drawn():
    axis = new_figure(3, 3).subplots()
    for value in (0.0, float("nan"), -1.0):
        maps = FeatureMaps("layer", torch.full((3, 2, 2), value), (0, 1, 2), 3)
        draw_feature_maps(axis, maps)
    axis.figure.canvas.draw()
