"""Each layer against another implementation, in float64, value and gradient."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from src.models.conformer import ConformerBlock, ConvolutionModule
from src.models.sanm import SanmLayer
from src.models.scene import Scene
from src.models.transformer_encoder import TransformerLayer
from tests.test_encoder_attention import (
    all_distances,
    draw,
    gradients,
    relative_by_pairs,
)


LENGTHS = (7, 4)


def scene_of(width):
    real = torch.arange(7) < torch.tensor(LENGTHS)[:, None]
    return Scene(real[:, None], real, all_distances(7, width))


def shake(module):
    """Norms and biases that are not ones and zeros."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module.double()


def assert_same(parity, result, expected, module, x):
    """In value and in all gradients, where the frames are real."""
    for item, length in enumerate(LENGTHS):
        parity.value(result[item, :length], expected[item, :length], atol=1e-11)
    real = scene_of(2).time_mask[..., None]
    inputs = (x, *module.parameters())
    slopes = (gradients(out * real, *inputs) for out in (result, expected))
    parity.gradient(*slopes, atol=1e-10)


@pytest.mark.spec("ASR-046", "equals `nn.TransformerEncoderLayer` with norms first")
@pytest.mark.parity("Transformer layer", "torch.nn.TransformerEncoderLayer")
def test_the_transformer_layer_equals_torchs(parity):
    torch.manual_seed(0)
    ours = shake(TransformerLayer(12, 3, 20)).eval()
    theirs = nn.TransformerEncoderLayer(
        12, 3, 20, 0.0, batch_first=True, norm_first=True, dtype=torch.double
    )
    names = {
        "self_attn.in_proj_": "attention.qkv.",
        "self_attn.out_proj.": "attention.out.",
        "linear1.": "feed_forward.expand.",
        "linear2.": "feed_forward.out.",
        "norm1.": "attention_norm.",
        "norm2.": "feed_forward_norm.",
    }
    own = ours.state_dict()
    theirs.load_state_dict(
        {
            a + kind: own[b + kind]
            for a, b in names.items()
            for kind in ("weight", "bias")
        }
    )
    x, scene = draw(2, 7, 12), scene_of(12)
    result = ours(x, scene)
    expected = theirs(x, src_key_padding_mask=~scene.time_mask)
    for item, length in enumerate(LENGTHS):
        parity.value(result[item, :length], expected[item, :length], atol=1e-11)
    real = scene.time_mask[..., None]
    pairs = {b + k: a + k for a, b in names.items() for k in ("weight", "bias")}
    mine = gradients(result * real, x, *(ours.get_parameter(n) for n in pairs))
    other = gradients(
        expected * real, x, *(theirs.get_parameter(n) for n in pairs.values())
    )
    parity.gradient(mine, other, atol=1e-10)


def norm(layer, x):
    """Mean 0, variance 1 over the last axis, then scale and shift, written out."""
    centred = x - x.mean(-1, keepdim=True)
    variance = (centred**2).mean(-1, keepdim=True)
    return centred / (variance + 1e-5) ** 0.5 * layer.weight + layer.bias


def feed_forward(layer, x, f):
    hidden = f(x @ layer.expand.weight.T + layer.expand.bias)
    return hidden @ layer.out.weight.T + layer.out.bias


def filtered(weight, x, length, left):
    """Frame t is the sum over the taps k of weight_k x_(t + k - left)."""
    kernel, frames = weight.shape[-1], []
    for t in range(x.shape[0]):
        total = torch.zeros_like(x[0])
        for k in range(kernel):
            if 0 <= t + k - left < length:
                total = total + weight[:, 0, k] * x[t + k - left]
        frames.append(total)
    return torch.stack(frames)


def swish(x):
    return x / (1 + (-x).exp())


def convolved(module, x, left):
    gated, gate = (x @ module.gate.weight.T + module.gate.bias).chunk(2, -1)
    gated = gated / (1 + (-gate).exp())
    filters = module.depthwise.filters
    x = torch.stack(
        [
            filtered(filters.weight, item, length, left) + filters.bias
            for item, length in zip(gated, LENGTHS, strict=True)
        ]
    )
    return swish(norm(module.norm, x)) @ module.out.weight.T + module.out.bias


@pytest.mark.spec("ASR-047", "equals the paper's equations, written frame by frame")
@pytest.mark.parity("Conformer block", "Gulati et al. 2020, frame by frame")
@pytest.mark.parametrize("causal", [False, True])
def test_the_conformer_block_equals_the_papers_equations(parity, causal):
    torch.manual_seed(0)
    block, x = shake(ConformerBlock(8, 2, 12, 5, causal=causal)), draw(2, 7, 8)
    scene, norms = scene_of(8), block.norms
    y = x + 0.5 * feed_forward(block.first, norm(norms[0], x), swish)
    y = y + relative_by_pairs(block.attention, norm(norms[1], y), scene.mask)
    y = y + convolved(block.convolution, norm(norms[2], y), 4 if causal else 2)
    y = y + 0.5 * feed_forward(block.second, norm(norms[3], y), swish)
    assert_same(parity, block(x, scene), norm(norms[4], y), block, x)


@pytest.mark.spec("ASR-047", "that of transformers' SeamlessM4T-v2")
@pytest.mark.parity(
    "causal convolution module",
    "transformers.models.seamless_m4t_v2.modeling_seamless_m4t_v2."
    "SeamlessM4Tv2ConformerConvolutionModule",
)
def test_the_causal_convolution_module_equals_that_of_transformers(parity):
    module = pytest.importorskip(
        "transformers.models.seamless_m4t_v2.modeling_seamless_m4t_v2",
        reason="compares with transformers",
    )
    from transformers import SeamlessM4Tv2Config

    torch.manual_seed(0)
    config = SeamlessM4Tv2Config(
        hidden_size=8,
        conv_depthwise_kernel_size=5,
        speech_encoder_hidden_act="swish",
        speech_encoder_dropout=0.0,
    )
    theirs = module.SeamlessM4Tv2ConformerConvolutionModule(config).double().eval()
    ours = shake(ConvolutionModule(8, 5, causal=True))
    with torch.no_grad():  # that one has a norm in front, and no biases
        for bias in (ours.gate.bias, ours.depthwise.filters.bias, ours.out.bias):
            bias.zero_()
        nn.init.normal_(theirs.layer_norm.weight)
        theirs.pointwise_conv1.weight.copy_(ours.gate.weight[..., None])
        theirs.depthwise_conv.weight.copy_(ours.depthwise.filters.weight)
        theirs.depthwise_layer_norm.load_state_dict(ours.norm.state_dict())
        theirs.pointwise_conv2.weight.copy_(ours.out.weight[..., None])
    x = draw(2, 9, 8)
    result, expected = ours(theirs.layer_norm(x)), theirs(x)
    parity.value(result, expected, atol=1e-11)
    parity.gradient(gradients(result, x), gradients(expected, x), atol=1e-11)


@pytest.mark.spec("ASR-048", "adds the filtered values to the attention")
@pytest.mark.parity("SAN-M layer", "attention plus the filtered values")
@pytest.mark.parametrize("causal", [False, True])
def test_the_sanm_layer_equals_attention_plus_the_memory_of_the_values(parity, causal):
    torch.manual_seed(0)
    layer = shake(SanmLayer(8, 2, 12, 3, causal=causal))
    x, scene = draw(2, 7, 8), scene_of(8)
    normed = norm(layer.attention_norm, x)
    v = normed @ layer.attention.qkv.weight[16:].T + layer.attention.qkv.bias[16:]
    weight, left = layer.memory_block.filters.weight, 2 if causal else 1
    memory = torch.stack(
        [
            filtered(weight, item, length, left)
            for item, length in zip(v, LENGTHS, strict=True)
        ]
    )
    y = x + layer.attention(normed, normed, scene.mask) + v + memory
    y = y + feed_forward(layer.feed_forward, norm(layer.feed_forward_norm, y), F.relu)
    assert_same(parity, layer(x, scene), y, layer, x)


@pytest.mark.spec("ASR-049", "neither does it in training")
def test_in_training_too_no_frame_depends_on_padding_or_on_other_items():
    torch.manual_seed(0)
    block = ConformerBlock(8, 2, 12, 5).double().train()
    x, scene = draw(2, 7, 8), scene_of(8)
    alone = block(x[1:, :4], Scene(distances=all_distances(4, 8)))
    torch.testing.assert_close(block(x, scene)[1:, :4], alone)


def test_dropout_falls_on_what_each_part_gives_and_only_in_training():
    torch.manual_seed(0)
    scene, x = scene_of(8), draw(2, 7, 8)
    for layer in (
        TransformerLayer(8, 2, 12, 1.0).double(),
        SanmLayer(8, 2, 12, 3, 1.0).double(),
    ):
        assert torch.equal(layer.train()(x, scene), x)
        assert not torch.equal(layer.eval()(x, scene), x)
    block = ConformerBlock(8, 2, 12, 3, 1.0).double().train()
    torch.testing.assert_close(block(x, scene), F.layer_norm(x, (8,)))


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="kernel = 4: must be odd"):
        ConformerBlock(8, 2, 12, 4)
