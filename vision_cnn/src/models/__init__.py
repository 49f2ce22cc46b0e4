"""Networks by name: `build_model(ModelConfig("resnet18"), 3, 10, (32, 32))`."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Literal

from .classifier import Classifier
from .convnext import ConvNeXt
from .fast_cnn import FastCNN
from .lenet import LeNet5
from .mobilenet_v2 import MobileNetV2
from .preact_resnet import PreActResNet
from .resnet import ResNet
from .simple_cnn import SimpleCNN
from .vgg import VGG
from .vit import VisionTransformer
from .wide_resnet import WideResNet


__all__ = ["MODELS", "Classifier", "ModelConfig", "build_model", "options_of"]

# The residual networks of section 4.2 of the paper.
_CIFAR: dict[str, Any] = {"base": 16, "identity_shortcuts": True, "stem": "cifar"}
MODELS: dict[str, Callable[..., Classifier]] = {
    "lenet5": LeNet5,
    "simple_cnn": SimpleCNN,
    "fast_cnn": FastCNN,
    "vgg11": partial(VGG, depths=(1, 1, 2, 2, 2)),
    "vgg16": partial(VGG, depths=(2, 2, 3, 3, 3)),
    "resnet18": partial(ResNet, depths=(2, 2, 2, 2)),
    "resnet34": partial(ResNet, depths=(3, 4, 6, 3)),
    "resnet50": partial(ResNet, depths=(3, 4, 6, 3), bottleneck=True),
    "resnet20": partial(ResNet, depths=(3, 3, 3), **_CIFAR),
    "resnet32": partial(ResNet, depths=(5, 5, 5), **_CIFAR),
    "resnet56": partial(ResNet, depths=(9, 9, 9), **_CIFAR),
    "preact_resnet18": partial(PreActResNet, depths=(2, 2, 2, 2)),
    "wide_resnet16_4": partial(WideResNet, layers=16, widen=4),
    "wide_resnet28_10": partial(WideResNet, layers=28, widen=10),
    "mobilenet_v2": MobileNetV2,
    "convnext_tiny": ConvNeXt,
    "vit_tiny": VisionTransformer,
}


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What is not set, or null, is the default of the network that `name` chooses.

    To set an option that the network does not read is an error.
    """

    name: Literal[
        "lenet5",
        "simple_cnn",
        "fast_cnn",
        "vgg11",
        "vgg16",
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet20",
        "resnet32",
        "resnet56",
        "preact_resnet18",
        "wide_resnet16_4",
        "wide_resnet28_10",
        "mobilenet_v2",
        "convnext_tiny",
        "vit_tiny",
    ] = "simple_cnn"
    widths: tuple[int, ...] | None = None
    """Channels, one for each convolution of `simple_cnn` or group of `fast_cnn`."""
    width: float | None = None
    """Multiplies all channels, more than 0."""
    stem: Literal["cifar", "imagenet"] | None = None
    """`imagenet` divides the sides by 32 in all, `cifar` (the default) by 8."""
    squeeze_excite: bool | None = None
    """Weigh the channels of each block by what the whole image says."""
    patch: int | None = None
    """Pixels a side that become one cell, in `convnext_tiny` (2) and `vit_tiny` (4)."""
    hidden: int | None = None
    """Units of the two linear layers before the head of `vgg`; 0, the default: none."""
    dropout: float | None = None
    """Share of the numbers dropped in training, from 0 to below 1."""
    drop_path: float | None = None
    """Chance that the last block is skipped in training, falling to 0 at the first."""

    def __post_init__(self) -> None:
        known = options_of(self.name)
        for option in self.options():
            if option not in known:
                raise ValueError(
                    f"{option} is not an option of {self.name}, "
                    f"which has {', '.join(known) or 'none'}"
                )
        if self.widths is not None and not (self.widths and min(self.widths) > 0):
            raise ValueError(f"widths is {list(self.widths)}; positive integers")
        if self.width is not None and not self.width > 0:
            raise ValueError(f"width is {self.width}; more than 0")
        if self.patch is not None and self.patch < 1:
            raise ValueError(f"patch is {self.patch}; at least 1")
        if self.hidden is not None and self.hidden < 0:
            raise ValueError(f"hidden is {self.hidden}; at least 0")
        for option in ("dropout", "drop_path"):
            value = getattr(self, option)
            if value is not None and not 0 <= value < 1:
                raise ValueError(f"{option} is {value}; from 0 to below 1")

    def options(self) -> dict[str, Any]:
        """What is set, but for the name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: v for k, v in values.items() if k != "name" and v is not None}


def options_of(name: str) -> list[str]:
    """The fields of `ModelConfig` that the network reads."""
    if name not in MODELS:
        raise ValueError(f"name is {name!r}; one of {', '.join(MODELS)}")
    make = MODELS[name]
    fixed = make.keywords if isinstance(make, partial) else {}
    read = inspect.signature(make).parameters.keys() - fixed.keys()
    return [f.name for f in fields(ModelConfig) if f.name in read]


def build_model(
    config: ModelConfig, in_channels: int, classes: int, size: tuple[int, int]
) -> Classifier:
    """Build a network for images of `size` (height, width), which maps them to logits.

    Other sizes work as well where the network allows. ValueError if it cannot take
    `size`, or if an option has a value that cannot be built.
    """
    make, options = MODELS[config.name], config.options()
    if "size" in inspect.signature(make).parameters:
        options["size"] = size
    model = make(in_channels, classes, **options)
    model.check_size(*size)
    return model
