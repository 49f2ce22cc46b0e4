"""Occlusion against captum and by hand."""

import pytest
import torch
from torch import nn

from src.explain.occlusion import occlusion, windows
from tests.explained import Corners, images, relu_net, same_state, state_of


@pytest.mark.parity("occlusion", "captum.attr.Occlusion")
@pytest.mark.spec("CNN-085", "equal those of captum")
@pytest.mark.parametrize("window, stride", [(3, 1), (4, 2), (2, 2)])
def test_occlusion_equals_captum(window, stride, parity):
    attributions = pytest.importorskip("captum.attr")
    model, (image, target) = relu_net().eval(), images()
    image = torch.cat([image, image[..., -1:]], 3)  # 12x12: the windows fit
    model[7] = nn.Linear(6 * 5 * 5, 5)
    wanted = attributions.Occlusion(model).attribute(
        image, (3, window, window), strides=(3, stride, stride), target=target
    )
    found = occlusion(model, image, target, window=window, stride=stride)
    parity.value(found, wanted[:, 0], atol=1e-6)


@pytest.mark.parametrize("corner", range(4))
def test_covering_the_corner_that_counts_loses_exactly_its_score(corner):
    image = torch.rand(1, 3, 12, 16)
    drop = occlusion(Corners(), image, torch.tensor([corner]), window=4, stride=4)
    rows = slice(0, 4) if corner < 2 else slice(8, 12)
    columns = slice(0, 4) if corner % 2 == 0 else slice(12, 16)
    wanted = torch.zeros(1, 12, 16)
    wanted[:, rows, columns] = image[:, 0, rows, columns].mean()
    assert torch.allclose(drop, wanted, atol=1e-6)


@pytest.mark.spec("CNN-090", "is zero everywhere and stays so")
def test_what_the_score_ignores_is_zero_everywhere():
    model, (image, target) = relu_net(), images()
    nn.init.zeros_(model[-1].weight)
    assert not occlusion(model, image, target).any()


def test_what_covers_may_have_another_colour():
    image = torch.zeros(1, 3, 8, 8)
    drop = occlusion(Corners(), image, torch.tensor([0]), window=4, stride=4, fill=1.0)
    assert drop[0, 0, 0] == -1 and not drop[0, 4:].any()


def test_windows_cover_every_pixel_and_none_reaches_outside():
    masks = windows(11, 7, 4, 3)
    assert masks.shape == (4 * 2, 11, 7)
    assert (masks.sum((1, 2)) == 16).all() and masks.any(0).all()


def test_a_window_larger_than_the_image_covers_all_of_it():
    assert windows(3, 5, 9, 4).all() and len(windows(3, 5, 9, 4)) == 1


def test_a_stride_that_leaves_pixels_uncovered_is_refused():
    with pytest.raises(ValueError, match=r"stride=5 must lie in 1..window=4"):
        windows(12, 12, 4, 5)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_windows_run_in_batches_of_bounded_size(batch_size):
    model, (image, target) = relu_net().double(), images(3)
    image, sizes = image.double(), []
    whole = occlusion(model, image, target, window=3, stride=3)
    model.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))
    parts = occlusion(model, image, target, window=3, stride=3, batch_size=batch_size)
    assert torch.allclose(parts, whole, atol=1e-12)
    assert max(sizes) <= max(batch_size, len(image)) and parts.dtype == torch.float64
    for i in range(3):
        one = slice(i, i + 1)
        alone = occlusion(model, image[one], target[one], window=3, stride=3)
        assert torch.allclose(whole[one], alone, atol=1e-12)


@pytest.mark.spec("CNN-088", "no hook, no changed mode and no gradient")
def test_the_model_is_left_as_it_was():
    model, (image, target) = relu_net().train(), images()
    before, pixels = state_of(model), image.clone()
    assert not occlusion(model, image, target).requires_grad
    with pytest.raises(ValueError, match="target 9"):
        occlusion(model, image, torch.full((2,), 9))
    assert same_state(before, state_of(model)) and torch.equal(image, pixels)
