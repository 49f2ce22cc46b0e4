"""`ModelConfig` refuses what a network does not read; `build_model` what cannot be."""

import dataclasses
import re
from typing import get_args, get_type_hints

import pytest
import torch

from src.models import MODELS, ModelConfig, build_model, options_of
from src.utils.config import ConfigError, from_dict, load_config


VALUES = {
    "widths": (4, 8),
    "width": 0.5,
    "stem": "imagenet",
    "squeeze_excite": True,
    "patch": 1,
    "hidden": 8,
    "dropout": 0.5,
    "drop_path": 0.5,
}
PAIRS = [(name, option) for name in MODELS for option in VALUES]


def test_the_names_are_those_of_the_registry():
    assert list(get_args(get_type_hints(ModelConfig)["name"])) == list(MODELS)


def test_every_option_is_read_by_a_network():
    options = {field.name for field in dataclasses.fields(ModelConfig)} - {"name"}
    assert options == set(VALUES) == set().union(*map(options_of, MODELS))


@pytest.mark.parametrize(
    ("names", "options"),
    [
        ("lenet5", ""),
        ("simple_cnn", "widths dropout"),
        ("fast_cnn", "widths"),
        ("vgg11 vgg16", "width hidden dropout"),
        ("resnet18 resnet34 resnet50", "width stem squeeze_excite drop_path"),
        ("resnet20 resnet32 resnet56", "width squeeze_excite drop_path"),
        ("preact_resnet18 wide_resnet16_4 wide_resnet28_10", "width dropout"),
        ("mobilenet_v2", "width stem dropout"),
        ("convnext_tiny vit_tiny", "width patch drop_path"),
    ],
)
def test_the_options_of_each_network(names, options):
    for name in names.split():
        assert options_of(name) == options.split()


@pytest.mark.spec("CNN-010", "is refused with its name and the options that it has")
@pytest.mark.parametrize(
    ("name", "option"), [p for p in PAIRS if p[1] not in options_of(p[0])]
)
def test_an_option_that_the_network_does_not_read_is_refused(name, option):
    known = ", ".join(options_of(name)) or "none"
    words = f"^{option} is not an option of {name}, which has {re.escape(known)}$"
    with pytest.raises(ValueError, match=words):
        ModelConfig(name, **{option: VALUES[option]})


@pytest.mark.parametrize("name", MODELS)
def test_an_option_that_it_reads_changes_the_network(name):
    def looks(**options):
        with torch.device("meta"):
            model = build_model(ModelConfig(name, **options), 3, 10, (32, 32))
        return re.sub(r"0x\w+", "", str(model)), getattr(model, "dropout", None)

    usual = looks()
    for option in options_of(name):
        if option in ("dropout", "drop_path"):  # seen in test_models_common
            continue
        assert looks(**{option: VALUES[option]}) != usual, option


@pytest.mark.spec("CNN-010", "in a file, also with the line")
def test_the_line_of_a_wrong_option_is_told(tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Config:
        model: ModelConfig

    path = tmp_path / "some.yaml"
    path.write_text("model:\n  name: resnet18\n  widths: [4, 8]\n")
    with pytest.raises(
        ConfigError, match=r"some\.yaml:3:3: model\.widths is not an opt"
    ):
        load_config(Config, path)
    path.write_text("model:\n  name: resnet19\n")
    with pytest.raises(ConfigError, match="Did you mean resnet18"):
        load_config(Config, path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"widths": ()}, r"widths is \[\]; positive integers"),
        ({"widths": (4, 0)}, r"widths is \[4, 0\]; positive integers"),
        ({"name": "vgg11", "width": 0.0}, "width is 0.0; more than 0"),
        ({"name": "vgg11", "hidden": -1}, "hidden is -1; at least 0"),
        ({"name": "vit_tiny", "patch": 0}, "patch is 0; at least 1"),
        ({"dropout": 1.0}, "dropout is 1.0; from 0 to below 1"),
        ({"dropout": -0.1}, "dropout is -0.1; from 0 to below 1"),
        (
            {"name": "resnet18", "drop_path": 1.0},
            "drop_path is 1.0; from 0 to below 1",
        ),
        ({"name": "alexnet"}, "name is 'alexnet'; one of lenet5, simple_cnn, .*"),
    ],
)
def test_values_that_no_network_has_are_refused(settings, words):
    with pytest.raises(ValueError, match=f"^{words}$"):
        ModelConfig(**settings)


def test_plain_values_give_the_config():
    built = from_dict(ModelConfig, {"name": "simple_cnn", "widths": [8, 16]})
    assert built == ModelConfig(widths=(8, 16))
    assert built.options() == {"widths": (8, 16)}
    assert from_dict(ModelConfig, {"width": None}) == ModelConfig()


@pytest.mark.spec("CNN-004", "when it is built")
@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("vgg16", (28, 40), "image is 28 x 40; VGG needs sides of at least 32"),
        ("vgg16", (32, 31), "image is 32 x 31; VGG needs sides of at least 32"),
        ("simple_cnn", (4, 3), "image is 4 x 3; SimpleCNN needs sides of at least 4"),
        ("fast_cnn", (8, 9), "image is 8 x 9; FastCNN needs sides of at least 9"),
        ("convnext_tiny", (15, 16), "image is 15 x 16; ConvNeXt needs .* least 16"),
        ("resnet18", (0, 4), "image is 0 x 4; ResNet needs sides of at least 1"),
        (
            "vit_tiny",
            (32, 30),
            "image is 32 x 30; VisionTransformer needs sides that are multiples of 4",
        ),
    ],
)
def test_a_size_that_does_not_fit_is_refused_when_the_network_is_built(
    name, size, words
):
    with pytest.raises(ValueError, match=f"^{words}$"), torch.device("meta"):
        build_model(ModelConfig(name), 3, 10, size)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (ModelConfig("vit_tiny", width=0.67), "d_model 129 is not a multiple of heads"),
    ],
)
def test_options_that_do_not_fit_each_other_are_refused(config, words):
    with pytest.raises(ValueError, match=words), torch.device("meta"):
        build_model(config, 3, 10, (32, 32))
