"""Parameters as published: the papers, torchvision, timm, pytorch-cifar."""

import pytest
import torch

from src.models import ModelConfig, build_model


def count(name, classes, in_channels=3, size=(224, 224), **options):
    with torch.device("meta"):
        model = build_model(ModelConfig(name, **options), in_channels, classes, size)
    return sum(p.numel() for p in model.parameters())


@pytest.mark.spec("CNN-003", "for ImageNet")
@pytest.mark.parametrize(
    ("name", "options", "published"),
    [
        ("resnet18", {"stem": "imagenet"}, 11_689_512),
        ("resnet34", {"stem": "imagenet"}, 21_797_672),
        ("resnet50", {"stem": "imagenet"}, 25_557_032),
        ("resnet50", {"stem": "imagenet", "squeeze_excite": True}, 28_088_024),
        ("vgg16", {"hidden": 4096}, 138_365_992),
        ("vgg11", {"hidden": 4096}, 132_868_840),
        ("mobilenet_v2", {"stem": "imagenet"}, 3_504_872),
        ("mobilenet_v2", {"stem": "imagenet", "width": 1.4}, 6_108_776),
        ("convnext_tiny", {"patch": 4}, 28_589_128),
        ("vit_tiny", {"patch": 16}, 5_717_416),
        ("vit_tiny", {"patch": 16, "width": 2.0}, 22_050_664),  # ViT-S
        ("vit_tiny", {"patch": 16, "width": 4.0}, 86_567_656),  # ViT-B
    ],
)
def test_parameters_for_imagenet(name, options, published):
    assert count(name, 1000, **options) == published


@pytest.mark.spec("CNN-003", "and CIFAR-10")
@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("resnet18", 11_173_962),
        ("resnet34", 21_282_122),
        ("resnet50", 23_520_842),
        ("resnet20", 269_722),
        ("resnet32", 464_154),
        ("resnet56", 853_018),
        ("preact_resnet18", 11_172_170),
        ("wide_resnet16_4", 2_748_890),
        ("wide_resnet28_10", 36_479_194),
        ("vgg16", 14_728_266),
    ],
)
def test_parameters_for_cifar(name, published):
    assert count(name, 10, size=(32, 32)) == published


@pytest.mark.spec("CNN-003", "LeNet-5 61,706")
def test_parameters_for_digits():
    assert count("lenet5", 10, in_channels=1, size=(28, 28)) == 61_706
    widths = (32, 32, 64, 64, 128)
    assert count("simple_cnn", 10, 1, (28, 28), widths=widths) == 140_458


def test_what_the_counts_of_well_known_copies_have_besides():
    """pytorch-cifar's MobileNetV2 and SENet-18 depart from the papers."""

    def conv_norm(cin, cout):
        return cin * cout + 2 * cout

    projections = [(32, 16), (16, 24), (64, 96), (160, 320)]
    extra = sum(conv_norm(*pair) for pair in projections) + conv_norm(32, 32)
    assert count("mobilenet_v2", 10, size=(32, 32)) + extra == 2_296_922

    plain = count("resnet18", 10, size=(32, 32))
    excited = count("resnet18", 10, size=(32, 32), squeeze_excite=True) - plain
    assert excited == 89_080
    preact = count("preact_resnet18", 10, size=(32, 32))
    stem_norm, final_norm = 2 * 64, 2 * 512
    assert preact - final_norm + stem_norm + excited == 11_260_354
