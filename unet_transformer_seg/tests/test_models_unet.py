import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from src.models import MODELS, ModelConfig, TransformerConfig, build_model
from src.models.attention_unet import AttentionGate
from src.models.blocks import ConcatConv, Up, make_norm
from src.models.padding import crop_sides, pad_sides
from tests import models_reference as reference
from tests.benchmarks.plain_unet import PlainUNet


NORMS = ("batch", "group", "instance", "none")
UPSAMPLES = ("transposed", "bilinear")


def small(name="unet", **options):
    torch.manual_seed(0)
    transformer = TransformerConfig(layers=2, n_heads=2, grid=3)
    settings = {"width": 4, "depth": 2, "transformer": transformer} | options
    return build_model(ModelConfig(name=name, **settings), 3, 5)


def shake(model):
    """Move every weight off its special value at the start (1, 0)."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return model


def gradients(loss, tensors):
    return torch.autograd.grad(loss, tensors)


def assert_same_function(parity, model, recomputed, image):
    """Values and gradients of all weights and of the image agree to 1e-10."""
    image.requires_grad_()
    state = dict(model.named_parameters())
    inputs = [image, *state.values()]
    ours, theirs = model(image), recomputed(state, image)
    parity.value(ours, theirs, atol=1e-12)
    direction = torch.randn_like(ours)
    parity.gradient(
        gradients((ours * direction).sum(), inputs),
        gradients((theirs * direction).sum(), inputs),
        atol=1e-10,
    )


@pytest.mark.spec("SEG-001", "equal an independent recomputation from the same weights")
@pytest.mark.parity("U-Net", "Ronneberger et al. 2015 on torch.nn.functional")
@pytest.mark.parametrize(("norm", "upsample"), [*itertools.product(NORMS, UPSAMPLES)])
def test_unet_equals_its_recomputation(norm, upsample, parity):
    model = shake(small(norm=norm, upsample=upsample)).double()
    image = torch.randn(2, 3, 16, 24, dtype=torch.float64)
    assert_same_function(
        parity, model, lambda s, x: reference.unet(s, x, 2, norm, upsample), image
    )


@pytest.mark.spec("SEG-007", "each skip connection but the finest by the gate")
@pytest.mark.parity("attention U-Net", "Oktay et al. 2018 on torch.nn.functional")
@pytest.mark.parametrize("upsample", UPSAMPLES)
def test_attention_unet_equals_its_recomputation(upsample, parity):
    model = shake(small("attention_unet", depth=3, upsample=upsample)).double()
    image = torch.randn(2, 3, 16, 24, dtype=torch.float64)
    recomputed = lambda s, x: reference.unet(s, x, 3, "batch", upsample, True)  # noqa: E731
    assert_same_function(parity, model, recomputed, image)


@pytest.mark.spec("SEG-007", "passes more than 0.9 of it before training")
def test_gates_start_open():
    torch.manual_seed(0)
    gate = AttentionGate(32, 16)
    alpha = gate.coefficients(torch.randn(2, 32, 8, 8), torch.randn(2, 16, 16, 16))
    assert 0.9 < alpha.min() and alpha.max() < 1


def test_the_benchmark_compares_with_the_same_network():
    ours, plain = small(depth=4), PlainUNet(3, 5, 4)
    blocks = [*ours.contracting, ours.bottleneck]
    pairs = [*zip(plain.down, blocks, strict=True), (plain.head, ours.head)]
    for up, conv, mine in zip(plain.up, plain.conv, ours.expanding, strict=True):
        pairs += [(up, mine.enlarge), (conv[0], mine.merge), (conv[1], mine.norm)]
        pairs += [(conv[3:], mine.refine)]
    for theirs, mine in pairs:
        values = dict(zip(theirs.state_dict(), mine.state_dict().values(), strict=True))
        theirs.load_state_dict(values)
    image = torch.randn(2, 3, 32, 48, dtype=torch.float64)
    ours, plain = ours.double(), plain.double()
    torch.testing.assert_close(ours(image), plain(image), rtol=0, atol=1e-11)


@pytest.mark.parity("convolution of a concatenation", "torch.nn.functional.conv2d")
@pytest.mark.parametrize("bias", [False, True])
def test_concat_conv_is_the_convolution_of_the_concatenation(bias, parity):
    conv = ConcatConv(2, 3, 4, bias=bias).double()
    x1, x2 = (torch.randn(2, c, 5, 6, dtype=torch.float64) for c in (2, 3))
    inputs = [x1.requires_grad_(), x2.requires_grad_(), *conv.parameters()]
    ours = conv(x1, x2)
    joined = F.conv2d(torch.cat([x1, x2], 1), conv.weight, conv.bias, padding=1)
    parity.value(ours, joined, atol=1e-13)
    parity.gradient(
        gradients(ours.square().sum(), inputs),
        gradients(joined.square().sum(), inputs),
        atol=1e-13,
    )


ANY_SIZE = {name: small(name, width=2, depth=4).eval() for name in MODELS}


@pytest.mark.spec("SEG-002", "the same as if it had been padded and cropped by hand")
@pytest.mark.parametrize("name", MODELS)
@given(height=st.integers(16, 70), width=st.integers(16, 70))
def test_any_size_from_16(name, height, width):
    model = ANY_SIZE[name]
    image = torch.randn(1, 3, height, width)
    pads = []
    for side in (height, width):
        total = max(32, -(-side // 16) * 16) - side
        pads.append((total // 2, total - total // 2))
    padded = np.pad(image.numpy(), [(0, 0), (0, 0), *pads], mode="reflect")
    with torch.no_grad():
        logits = model(image)
        whole = model(torch.from_numpy(padded))
    (top, _), (left, _) = pads
    assert logits.shape == (1, 5, height, width)
    assert logits.isfinite().all()
    expected = whole[..., top : top + height, left : left + width]
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)


@pytest.mark.spec("SEG-002", "a smaller side is a ValueError that names both sides")
@pytest.mark.parametrize(("height", "width"), [(15, 64), (64, 15), (1, 1)])
def test_sides_below_16_are_refused(height, width):
    with pytest.raises(ValueError, match=f"image is {height} x {width}; .* least 16"):
        small()(torch.zeros(1, 3, height, width))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("depth", [4, 5, 6])
def test_the_smallest_image_trains_at_any_depth(norm, depth):
    model = small(norm=norm, depth=depth, width=2)
    logits = model(torch.randn(1, 3, 16, 16))
    logits.square().sum().backward()
    assert logits.shape == (1, 5, 16, 16)
    assert all(p.grad.isfinite().all() for p in model.parameters())
    # With one cell at the bottleneck instance norm would be constant, its weights deaf.
    assert model.bottleneck.first.conv.weight.grad.abs().sum() > 0


def test_padding_repeats_the_edge_where_a_mirror_is_too_short():
    image = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 1, 4, 4)
    padded = pad_sides(image, 16)
    assert padded.shape == (1, 1, 32, 32)
    assert padded[0, 0, 0].tolist() == [0] * 14 + [0, 1, 2, 3] + [3] * 14
    assert torch.equal(crop_sides(padded, 4, 4), image)


def test_padding_leaves_a_fitting_image_alone():
    image = torch.randn(1, 1, 32, 48)
    assert pad_sides(image, 16) is image


@pytest.mark.parametrize("name", ["unet", "attention_unet"])
def test_a_shift_by_the_stride_shifts_the_logits(name):
    model = small(name).eval().double()
    image = torch.randn(1, 3, 96, 96, dtype=torch.float64)
    shifted = image.roll((4, 8), dims=(2, 3))
    inner = slice(36, 64)  # farther from the border than the network sees
    torch.testing.assert_close(
        model(shifted)[..., inner, inner],
        model(image).roll((4, 8), dims=(2, 3))[..., inner, inner],
        rtol=0,
        atol=1e-10,
    )


def test_widths_and_biases():
    model = small(width=4, depth=3)
    assert [block.cout for block in model.contracting] == [4, 8, 16]
    assert model.bottleneck.cout == 32
    assert [up.cout for up in model.expanding] == [16, 8, 4]
    followed = model.expanding[0].merge
    assert followed.bias is None
    assert small(norm="none").expanding[0].merge.bias is not None


def test_weights_keep_the_variance():
    torch.manual_seed(0)
    model = build_model(ModelConfig(norm="none", width=32, depth=3), 3, 4)
    _, skips = model.encode(torch.randn(4, 3, 64, 64))
    for skip in skips:
        assert 0.4 < skip.square().mean() < 4
    x = torch.randn(4, 256, 8, 8)
    assert 0.8 < model.expanding[0].enlarge(x).var() < 1.2


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: make_norm("layer", 4), "norm 'layer' is not batch, group"),
        (lambda: Up(4, 2, 2, upsample="nearest"), "upsample 'nearest' is not"),
    ],
)
def test_unknown_choices_are_named(build, words):
    with pytest.raises(ValueError, match=words):
        build()
