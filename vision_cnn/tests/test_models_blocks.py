"""The parts that networks share, and the weights that they begin with."""

import pytest
import torch
from torch import nn

from src.models import ModelConfig, build_model
from src.models.blocks import (
    ConvNorm,
    DropPath,
    SqueezeExcite,
    drop_path_rates,
    scale_width,
)
from src.models.convnext import ConvNeXtBlock
from src.models.initialise import initialise_relu
from src.models.lenet import squash
from src.models.mobilenet_v2 import round_to_8


@pytest.mark.spec("CNN-006", "a branch is dropped for whole images")
@pytest.mark.spec("CNN-006", "its expectation stays")
@pytest.mark.parametrize("shape", [(4000, 2), (4000, 2, 1, 3)])
def test_drop_path_keeps_the_expectation(shape):
    torch.manual_seed(0)
    branch = torch.rand(shape, dtype=torch.float64) + 1
    dropped = DropPath(0.3).train()(branch)
    kept = dropped.flatten(1) != 0
    assert torch.equal(kept, kept[:, :1].expand_as(kept))
    torch.testing.assert_close(dropped[kept[:, 0]], branch[kept[:, 0]] / 0.7)
    factors = dropped / branch
    # The mean of 4000 coins with p = 0.7 has the deviation 0.0104.
    assert factors.mean().item() == pytest.approx(1, abs=0.042)


def test_drop_path_is_the_identity_where_nothing_is_dropped():
    branch = torch.randn(3, 2)
    assert DropPath(0.5).eval()(branch) is branch
    assert DropPath(0.0).train()(branch) is branch


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_drop_path_refuses_what_is_no_chance(rate):
    with pytest.raises(ValueError, match=rf"drop_path {rate} is not in \[0, 1\)"):
        DropPath(rate)


@pytest.mark.spec("CNN-006", "with a chance that grows from 0 at the first block")
@pytest.mark.parametrize("name", ["resnet18", "convnext_tiny", "vit_tiny"])
def test_the_chance_grows_with_the_depth(name):
    config = ModelConfig(name, width=1 / 16, drop_path=0.4)
    model = build_model(config, 3, 4, (32, 32))
    rates = [m.rate for m in model.modules() if isinstance(m, DropPath)]
    blocks = {"resnet18": 8, "convnext_tiny": 18, "vit_tiny": 12}[name]
    expected = [0.4 * i / (blocks - 1) for i in range(blocks)]
    # ResNet leaves out the module where nothing is dropped.
    assert rates == pytest.approx(expected[-len(rates) :])
    assert len(rates) == blocks - (name == "resnet18")
    assert drop_path_rates(0.4, 1) == [0.0]


def test_squeeze_excite_by_hand():
    block = SqueezeExcite(2)
    with torch.no_grad():
        block.reduce.weight.copy_(torch.tensor([[1.0, -1.0]]))
        block.reduce.bias.fill_(0.5)
        block.expand.weight.copy_(torch.tensor([[2.0], [-2.0]]))
        block.expand.bias.zero_()
    x = torch.tensor([[[[1.0, 3.0]], [[0.0, 2.0]]]])  # means 2 and 1
    share = torch.tensor([3.0, -3.0]).sigmoid()  # relu(2 - 1 + 0.5) times 2 and -2
    torch.testing.assert_close(block(x), x * share[:, None, None])
    assert SqueezeExcite(64).reduce.out_features == 4


@pytest.mark.parametrize(
    ("channels", "rounded"),
    [(1, 8), (12, 16), (11, 16), (20, 24), (18, 24), (160, 160)],
)
def test_channels_of_mobilenet_are_multiples_of_eight(channels, rounded):
    assert round_to_8(channels) == rounded
    assert rounded >= 0.9 * channels


def test_the_width_multiplier_leaves_a_channel():
    assert scale_width(64, 0.25) == 16 and scale_width(16, 0.001) == 1


def test_a_convnext_block_begins_nearly_as_the_identity():
    block, x = ConvNeXtBlock(4), torch.randn(2, 4, 5, 5)
    out = block(x)
    assert not torch.equal(out, x)
    torch.testing.assert_close(out, x, rtol=0, atol=1e-4)


@pytest.mark.spec("CNN-011", "keeps the variance of the gradient through ReLUs")
@pytest.mark.parametrize("groups", [1, 4, 64])
def test_he_initialisation_keeps_the_variance_of_the_gradient(groups):
    torch.manual_seed(0)
    layers = []
    for _ in range(6):
        layers += [nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1, groups=groups)]
    model = nn.Sequential(*layers)
    initialise_relu(model)
    image = torch.randn(8, 64, 24, 24, requires_grad=True)
    gradient = torch.randn(8, 64, 24, 24)
    model(image).backward(gradient)
    # Each image is half shut off by a ReLU; the border loses a little at each layer.
    assert 0.5 < image.grad.var() / gradient.var() < 1.5


@pytest.mark.parametrize("name", ["simple_cnn", "vgg11", "resnet20", "mobilenet_v2"])
def test_the_head_begins_small_and_biases_at_zero(name):
    torch.manual_seed(0)
    model = build_model(ModelConfig(name), 3, 100, (32, 32))
    assert model.head.weight.std().item() == pytest.approx(0.01, rel=0.05)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            assert not module.bias.any()


@pytest.mark.spec("CNN-011", "keeps the variance of LeNet-5's activations near one")
def test_lenet_initialisation_keeps_the_variance():
    torch.manual_seed(0)
    model = build_model(ModelConfig("lenet5"), 1, 10, (32, 32))
    with torch.no_grad():
        x = torch.randn(64, 1, 32, 32)
        for layer in (model.c1, model.c3):  # the means between them would damp it
            x = squash(layer(x / x.std()))
            assert 0.5 < x.var() < 1.2


@pytest.mark.spec("CNN-011", "cut off at two deviations of 0.02")
@pytest.mark.parametrize("name", ["convnext_tiny", "vit_tiny"])
def test_truncated_normal_weights(name):
    torch.manual_seed(0)
    model = build_model(ModelConfig(name, width=0.5), 3, 10, (32, 32))
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    weights = torch.cat([m.weight.detach().flatten() for m in layers])
    assert weights.abs().max() <= 0.04
    # A normal distribution cut at two deviations has 0.880 of the deviation.
    assert weights.std().item() == pytest.approx(0.02 * 0.880, rel=0.01)
    assert not any(m.bias.any() for m in layers)


def test_a_convolution_before_a_norm_has_no_bias_unless_asked():
    assert ConvNorm(2, 3).conv.bias is None
    assert ConvNorm(2, 3, bias=True).conv.bias is not None
