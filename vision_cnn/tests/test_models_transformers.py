"""With copied weights, the networks that `transformers` has as well are the same."""

import re

import pytest
import torch

from src.models import ModelConfig, build_model


transformers = pytest.importorskip(
    "transformers", reason="transformers, the reference, is not installed"
)

RESNET = [
    (r"^stem\.0\.", "resnet.embedder.embedder."),
    (r"^stages\.(\d)\.(\d+)\.", r"resnet.encoder.stages.\1.layers.\2."),
    (r"\.residual\.", ".layer."),
    (r"\.conv\.", ".convolution."),
    (r"\.norm\.", ".normalization."),
    (r"^head\.", "classifier.1."),
]
MOBILENET = [
    (r"^stem\.", "mobilenet_v2.conv_stem.first_conv."),
    (r"^blocks\.0\.residual\.0\.", "mobilenet_v2.conv_stem.conv_3x3."),
    (r"^blocks\.0\.residual\.1\.", "mobilenet_v2.conv_stem.reduce_1x1."),
    (r"^blocks\.(\d+)\.", lambda m: f"mobilenet_v2.layer.{int(m[1]) - 1}."),
    (r"\.residual\.0\.", ".expand_1x1."),
    (r"\.residual\.1\.", ".conv_3x3."),
    (r"\.residual\.2\.", ".reduce_1x1."),
    (r"^last\.", "mobilenet_v2.conv_1x1."),
    (r"\.conv\.", ".convolution."),
    (r"\.norm\.", ".normalization."),
    (r"^head\.", "classifier."),
]
CONVNEXT = [
    (r"^norm\.", "convnext.layernorm."),
    (r"\.norm\.", ".layernorm."),
    (r"^stem\.0\.", "convnext.embeddings.patch_embeddings."),
    (r"^stem\.1\.", "convnext.embeddings.layernorm."),
    (r"^stages\.0\.(\d)\.", r"convnext.encoder.stages.0.layers.\1."),
    (
        r"^stages\.(\d)\.([01])\.",
        r"convnext.encoder.stages.\1.downsampling_layer.\2.",
    ),
    (
        r"^stages\.(\d)\.(\d+)\.",
        lambda m: f"convnext.encoder.stages.{m[1]}.layers.{int(m[2]) - 2}.",
    ),
    (r"\.depthwise\.", ".dwconv."),
    (r"\.widen\.", ".pwconv1."),
    (r"\.narrow\.", ".pwconv2."),
    (r"\.scale$", ".layer_scale_parameter"),
    (r"^head\.", "classifier."),
]
VIT = [
    (r"^norm\.", "vit.layernorm."),
    (r"^patches\.", "vit.embeddings.patch_embeddings.projection."),
    (r"^class_token$", "vit.embeddings.cls_token"),
    (r"^position$", "vit.embeddings.position_embeddings"),
    (r"^layers\.", "vit.layers."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attend\.out\.", ".attention.o_proj."),
    (r"\.mlp\.0\.", ".mlp.fc1."),
    (r"\.mlp\.2\.", ".mlp.fc2."),
    (r"^head\.", "classifier."),
]


def resnet(name, layer_type, depths, expansion=1):
    config = transformers.ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8 * 2**i * expansion for i in range(4)],
        depths=depths,
        layer_type=layer_type,
        num_labels=5,
    )
    ours = ModelConfig(name, stem="imagenet", width=1 / 8)
    return ours, transformers.ResNetForImageClassification(config), RESNET


def mobilenet():
    # At 0.25 the first block does not change the channels; theirs then forgets to add
    # its input, though table 2 treats all blocks alike.
    config = transformers.MobileNetV2Config(
        depth_multiplier=0.5,
        tf_padding=False,
        layer_norm_eps=1e-5,
        classifier_dropout_prob=0.0,
        num_labels=5,
    )
    ours = ModelConfig("mobilenet_v2", stem="imagenet", width=0.5)
    return ours, transformers.MobileNetV2ForImageClassification(config), MOBILENET


def convnext():
    config = transformers.ConvNextConfig(
        hidden_sizes=[12, 24, 48, 96],
        depths=[3, 3, 9, 3],
        patch_size=4,
        layer_norm_eps=1e-6,
        num_labels=5,
    )
    ours = ModelConfig("convnext_tiny", patch=4, width=1 / 8)
    return ours, transformers.ConvNextForImageClassification(config), CONVNEXT


def vit(attention="sdpa"):
    config = transformers.ViTConfig(
        hidden_size=128,
        num_hidden_layers=12,
        num_attention_heads=2,
        intermediate_size=512,
        image_size=(32, 48),
        patch_size=16,
        layer_norm_eps=1e-6,
        attention_probs_dropout_prob=0.0,
        hidden_dropout_prob=0.0,
        num_labels=5,
        attn_implementation=attention,
    )
    ours = ModelConfig("vit_tiny", patch=16, width=2 / 3)
    return ours, transformers.ViTForImageClassification(config), VIT


NETWORKS = {
    "resnet18": lambda: resnet("resnet18", "basic", [2, 2, 2, 2]),
    "resnet34": lambda: resnet("resnet34", "basic", [3, 4, 6, 3]),
    "resnet50": lambda: resnet("resnet50", "bottleneck", [3, 4, 6, 3], 4),
    "mobilenet_v2": mobilenet,
    "convnext_tiny": convnext,
    "vit_tiny": vit,
}


def rename(name, rules):
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def copy_weights(ours, theirs, rules):
    """Every weight of either has its partner in the other."""
    left, copied = dict(theirs.state_dict()), {}
    for name, value in ours.state_dict().items():
        if ".qkv." in name:  # theirs has three layers
            layer = rename(name, VIT)
            names = [layer.replace("attend.qkv", f"attention.{x}_proj") for x in "qkv"]
            copied[name] = torch.cat([left.pop(n) for n in names])
        else:
            copied[name] = left.pop(rename(name, rules))
        assert copied[name].shape == value.shape, name
    assert not left
    ours.load_state_dict(copied)


def judge(model, image, direction):
    """Logits and the gradient of the image."""
    image = image.clone().requires_grad_()
    logits = model(image)
    logits = getattr(logits, "logits", logits)
    return logits, torch.autograd.grad((logits * direction).sum(), image)[0]


RESNETS = pytest.mark.parity(
    "ResNet-18, -34, -50", "transformers.ResNetForImageClassification"
)
MARKS = {
    "resnet18": RESNETS,
    "resnet34": RESNETS,
    "resnet50": RESNETS,
    "mobilenet_v2": pytest.mark.parity(
        "MobileNetV2", "transformers.MobileNetV2ForImageClassification"
    ),
    "convnext_tiny": pytest.mark.parity(
        "ConvNeXt", "transformers.ConvNextForImageClassification"
    ),
    "vit_tiny": pytest.mark.parity(
        "Vision Transformer", "transformers.ViTForImageClassification"
    ),
}


@pytest.mark.spec("CNN-001", "of `transformers` with copied weights to 1e-5")
@pytest.mark.parametrize("name", [pytest.param(n, marks=MARKS[n]) for n in NETWORKS])
def test_equals_transformers(name, parity):
    torch.manual_seed(0)
    config, theirs, rules = NETWORKS[name]()
    ours, theirs = build_model(config, 3, 5, (32, 48)).double(), theirs.double()
    with torch.no_grad():  # off the special values at the start
        for parameter in theirs.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    image = torch.randn(4, 3, 32, 48, dtype=torch.float64)
    direction = torch.randn(4, 5, dtype=torch.float64)
    for training in (True, False):
        # With the statistics of the first round: theirs move by another momentum.
        copy_weights(ours, theirs, rules)
        ours.train(training), theirs.train(training)
        logits, gradient = judge(ours, image, direction)
        wanted, wanted_gradient = judge(theirs, image, direction)
        assert min(w.abs().mean() for w in (wanted, wanted_gradient)) > 1e-3
        parity.value(logits, wanted, atol=1e-9)
        parity.gradient(gradient, wanted_gradient, atol=1e-9)


@pytest.mark.parity(
    "position codes of ViT on another grid", "transformers.ViTForImageClassification"
)
def test_position_codes_are_interpolated_as_in_transformers(parity):
    """For a grid larger than that of the training, as section 3.2 of the paper says."""
    torch.manual_seed(0)
    _, theirs, rules = vit()
    embeddings = theirs.vit.embeddings
    embeddings.position_embeddings = torch.nn.Parameter(torch.randn(1, 5, 128))
    ours = build_model(ModelConfig("vit_tiny", patch=16, width=2 / 3), 3, 5, (32, 32))
    copy_weights(ours, theirs, rules)
    codes = embeddings.interpolate_pos_encoding(torch.empty(1, 13, 128), 48, 64)
    parity.value(ours._position(3, 4), codes, atol=1e-6)
    image = torch.randn(2, 3, 48, 64)
    logits = theirs.eval()(image, interpolate_pos_encoding=True).logits
    parity.value(ours.eval()(image), logits, atol=1e-5)
