"""The fast network: its whitened first layer, its start, its sizes."""

import numpy as np
import pytest
import torch

from src.models.fast_cnn import FastCNN, whitening_filters
from src.utils.contracts import ContractError


def textured(batch, channels, side):
    """Images whose neighbouring pixels and channels are correlated."""
    noise = torch.randn(batch, channels, side, side, generator=torch.manual_seed(3))
    return noise + noise.roll(1, 3) + 0.5 * noise.roll(1, 2) + noise.mean(1, True)


def answers(images, filters):
    """What each filter answers to each patch, a row per filter."""
    out = torch.nn.functional.conv2d(images.double(), filters.double())
    return out.transpose(0, 1).flatten(1).numpy()


@pytest.mark.spec("CNN-015", "uncorrelated and of variance one over the patches")
@pytest.mark.parametrize(("channels", "side"), [(3, 2), (1, 2), (1, 3)])
def test_covariance_of_whitened_patches_is_the_identity(channels, side):
    images = textured(40, channels, 9)

    filters = whitening_filters(images, side, eps=0.0)

    covariance = np.cov(answers(images, filters), ddof=0)
    np.testing.assert_allclose(covariance, np.eye(channels * side**2), atol=2e-5)


def test_eps_quiets_what_hardly_occurs_and_the_commonest_comes_first():
    images = textured(40, 3, 9)
    images[:, 2] = images[:, 0]  # 4 of 12 directions never occur

    variances = np.var(answers(images, whitening_filters(images)), axis=1)

    assert (np.diff(variances) <= 1e-4).all()
    np.testing.assert_allclose(variances[:8], 1.0, atol=0.01)
    np.testing.assert_allclose(variances[8:], 0.0, atol=1e-4)


def test_images_of_one_colour_give_finite_filters():
    assert whitening_filters(torch.ones(3, 1, 4, 4)).isfinite().all()


@pytest.mark.spec("CNN-015", "has both signs of each and is not trained")
def test_first_layer_has_both_signs_and_is_not_trained():
    images = textured(20, 3, 12)
    model = FastCNN(3, 5, widths=(24, 24))

    model.initialise_from(images)

    plus, minus = model.whiten.weight.chunk(2)
    assert torch.equal(plus, whitening_filters(images))
    assert torch.equal(minus, -plus)
    assert not model.whiten.weight.requires_grad
    assert not model.whiten(images).requires_grad  # no time is spent on its gradient


def test_kernels_start_as_the_identity_on_the_first_channels():
    group = FastCNN(1, 2, widths=(12,)).groups[0]
    x = torch.randn(2, 8, 6, 6)

    torch.testing.assert_close(group.conv1(x)[:, :8], x)


def test_norms_shift_but_do_not_scale_and_kernels_have_no_length():
    model = FastCNN(1, 2, widths=(12,)).train()
    images = torch.randn(8, 1, 9, 9)
    before = model(images)

    model.groups[0].conv2.weight.data *= 7

    torch.testing.assert_close(model(images), before, rtol=1e-3, atol=1e-4)
    assert not any(n.endswith("norm1.weight") for n in trained(model))
    assert "groups.0.norm1.bias" in trained(model)


@pytest.mark.spec("CNN-016", "has 1,972,768 parameters for ten classes of colour")
def test_size_of_the_network_of_the_paper():
    kernels = 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256)
    whiten, norms, head = 24 * 12, 2 * 2 * (64 + 256 + 256), 10 * 256

    count = sum(p.numel() for p in FastCNN(3, 10).parameters())

    assert count == kernels + whiten + norms + head == 1_972_768


@pytest.mark.spec("CNN-016", "any picture of at least 9 pixels a side")
@pytest.mark.parametrize(("height", "width"), [(9, 9), (9, 30), (28, 28), (32, 33)])
def test_takes_any_size_from_nine_pixels_up(height, width):
    model = FastCNN(1, 4, widths=(8, 8, 8)).eval()

    assert model(torch.randn(2, 1, height, width)).shape == (2, 4)
    assert model(torch.randn(0, 1, height, width)).shape == (0, 4)


def test_says_that_an_image_is_too_small():
    with pytest.raises(ValueError, match="8 x 40; FastCNN needs sides of at least 9"):
        FastCNN(3, 10)(torch.randn(1, 3, 8, 40))


def test_refuses_other_channels_than_it_was_built_for():
    with pytest.raises(ContractError, match="channels"):
        FastCNN(1, 2, widths=(8,)).initialise_from(torch.randn(2, 3, 8, 8))


def test_begins_with_small_logits():
    torch.manual_seed(0)
    logits = FastCNN(3, 10, widths=(24, 32))(textured(16, 3, 16))

    assert logits.abs().max() < 3


def trained(model):
    return {name for name, p in model.named_parameters() if p.requires_grad}
