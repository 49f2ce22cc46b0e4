"""The networks equal a recomputation that shares no code with them."""

import pytest
import torch
import torch.nn.functional as F

from src.models import ModelConfig, build_model
from src.models.lenet import LeNet5, squash
from src.models.resnet import Bottleneck, PaddedShortcut
from src.models.vit import SelfAttention
from tests import models_reference as reference


VGG11 = "conv max conv max conv conv max conv conv max conv conv max".split()
VGG16 = ["conv", "conv", "max"] * 2 + ["conv", "conv", "conv", "max"] * 3
SIMPLE = "conv conv max conv max conv conv".split()
CASES = {
    "lenet5": ({}, 28, reference.lenet5),
    "simple_cnn": (
        {"widths": (3, 3, 5, 4, 4)},
        16,
        lambda s, x: reference.plain(s, x, SIMPLE),
    ),
    "vgg11": ({"width": 1 / 32}, 64, lambda s, x: reference.plain(s, x, VGG11)),
    "vgg16": ({"width": 1 / 32}, 64, lambda s, x: reference.plain(s, x, VGG16)),
    "resnet20": (
        {"width": 1 / 4},
        16,
        lambda s, x: reference.cifar_resnet(s, x, 3, False),
    ),
    "resnet32": (
        {"width": 1 / 4, "squeeze_excite": True},
        16,
        lambda s, x: reference.cifar_resnet(s, x, 5, True),
    ),
    "preact_resnet18": (
        {"width": 1 / 16},
        32,
        lambda s, x: reference.preact_resnet(s, x, (2, 2, 2, 2)),
    ),
    "wide_resnet16_4": (
        {"width": 1 / 8},
        16,
        lambda s, x: reference.preact_resnet(s, x, (2, 2, 2)),
    ),
    "wide_resnet28_10": (
        {"width": 1 / 16},
        16,
        lambda s, x: reference.preact_resnet(s, x, (4, 4, 4)),
    ),
}


MARKS = {
    "lenet5": pytest.mark.parity("LeNet-5", "torch.nn.functional, layer by layer"),
    "simple": pytest.mark.parity("simple CNN", "torch.nn.functional, layer by layer"),
    "vgg": pytest.mark.parity("VGG", "torch.nn.functional, layer by layer"),
    "resnet": pytest.mark.parity(
        "CIFAR ResNet, squeeze-and-excitation", "torch.nn.functional, layer by layer"
    ),
    "preact": pytest.mark.parity(
        "pre-activation ResNet", "torch.nn.functional, layer by layer"
    ),
    "wide": pytest.mark.parity("wide ResNet", "torch.nn.functional, layer by layer"),
}


def marked(name):
    family = next(family for family in MARKS if name.startswith(family))
    return pytest.param(name, marks=MARKS[family])


@pytest.mark.spec("CNN-002", "equal a plain recomputation from the same weights")
@pytest.mark.parametrize("name", [marked(name) for name in CASES])
def test_equals_its_recomputation(name, parity):
    torch.manual_seed(0)
    options, side, recompute = CASES[name]
    model = build_model(ModelConfig(name, **options), 3, 4, (side, side)).double()
    with torch.no_grad():  # off the special values at the start
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    image = torch.randn(3, 3, side, side, dtype=torch.float64, requires_grad=True)
    state = dict(model.named_parameters())
    inputs = [image, *state.values()]
    ours, theirs = model(image), recompute(state, image)
    parity.value(ours, theirs, atol=1e-11)
    direction = torch.randn_like(ours)
    # A bias before a batch norm has the gradient 0, up to rounding.
    parity.gradient(
        torch.autograd.grad((ours * direction).sum(), inputs),
        torch.autograd.grad((theirs * direction).sum(), inputs),
        atol=1e-9,
    )


def test_lenet_averages_over_the_places_of_a_large_image():
    model = LeNet5(1, 10).double()
    image = torch.randn(2, 1, 36, 40, dtype=torch.float64)
    # C5 sees a window of 32 pixels, and the next one 4 pixels further.
    windows = [image[:, :, y : y + 32, x : x + 32] for y in (0, 4) for x in (0, 4, 8)]
    with torch.no_grad():
        c5 = []
        model.c5.register_forward_hook(lambda *a: c5.append(squash(a[2])))
        for window in windows:
            model(window)
        mean = torch.stack(c5).mean(0).flatten(1)
        expected = model.head(squash(model.f6(mean)))
        torch.testing.assert_close(model(image), expected)


@pytest.mark.parametrize("sides", [(28, 28), (1, 31), (32, 5)])
def test_lenet_sets_a_small_image_in_the_middle_of_its_field(sides):
    torch.manual_seed(0)
    image, (height, width) = torch.randn(1, 2, *sides), sides
    field = LeNet5(2, 10)._centre(image)
    assert field.shape == (1, 2, 32, 32)
    top, left = (32 - height) // 2, (32 - width) // 2
    assert torch.equal(field[:, :, top : top + height, left : left + width], image)
    assert torch.equal(field[..., 0, 0], image[..., 0, 0])
    assert torch.equal(field[..., -1, -1], image[..., -1, -1])


def test_the_squashing_function_maps_one_to_one():
    torch.testing.assert_close(
        squash(torch.ones(())), torch.ones(()), rtol=0, atol=1e-4
    )
    assert squash(torch.tensor(-50.0)) == pytest.approx(-1.7159)


def test_the_padded_shortcut_has_no_weights_and_keeps_every_second_pixel():
    shortcut, x = PaddedShortcut(2, 5, 2), torch.randn(1, 2, 4, 3)
    out = shortcut(x)
    assert not list(shortcut.parameters())
    assert torch.equal(out[:, :2], x[:, :, [0, 2]][..., [0, 2]])
    assert not out[:, 2:].any()


def test_the_bottleneck_has_its_stride_in_the_wide_kernel():
    block = Bottleneck(4, 2, stride=2)
    strides = [layer.conv.stride for layer in block.residual]
    assert strides == [(1, 1), (2, 2), (1, 1)]


def test_attention_equals_the_formula():
    torch.manual_seed(0)
    attend, x = SelfAttention(6, 2).double(), torch.randn(2, 5, 6, dtype=torch.float64)
    q, k, v = attend.qkv(x).split(6, dim=2)
    mixed = []
    for head in (slice(0, 3), slice(3, 6)):
        weights = (q[..., head] @ k[..., head].mT / 3**0.5).softmax(-1)
        mixed.append(weights @ v[..., head])
    torch.testing.assert_close(attend(x), attend.out(torch.cat(mixed, 2)))


def test_vgg_with_hidden_layers_is_the_paper_s():
    torch.manual_seed(0)
    config = ModelConfig("vgg11", width=1 / 32, hidden=6, dropout=0.5)
    model = build_model(config, 3, 4, (64, 64)).eval()
    image = torch.randn(2, 3, 64, 64)
    cells = F.adaptive_avg_pool2d(model.stages(image), 7).flatten(1)
    hidden = F.relu(model.dense[3](F.relu(model.dense[0](cells))))
    torch.testing.assert_close(model.embed(image), hidden)
    assert [layer.p for layer in model.dense if hasattr(layer, "p")] == [0.5, 0.5]
