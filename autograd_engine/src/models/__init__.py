"""Models by name: `build_model(ModelConfig(...), info, seed)`."""

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from .. import nn
from .cnn import CNN, LeNet
from .gpt import GPT
from .lstm import CharLSTM, SentimentLSTM
from .mlp import MLP
from .resnet import ResNet
from .scalar_mlp import ScalarMLP


__all__ = ["ModelConfig", "build_model"]

ModelName = Literal[
    "logistic", "mlp", "scalar_mlp", "lenet", "cnn", "resnet", "lstm", "gpt"
]
TEXTS = ("text", "sentiment")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which model; each field names the models that read it."""

    name: ModelName = "mlp"
    hidden: tuple[int, ...] = (64,)
    """mlp, scalar_mlp: units of each hidden layer."""
    widths: tuple[int, ...] = (32, 64, 128)
    """cnn: channels of each block; every block halves the sides."""
    width: int = 16
    """resnet: channels of the first of three stages."""
    depth: int = 1
    """resnet: residual blocks a stage."""
    d_model: int = 128
    """lstm, gpt: size of the vectors."""
    n_layers: int = 1
    """lstm, gpt: layers."""
    n_heads: int = 4
    """gpt: attention heads; they share d_model."""
    dropout: float = 0.0
    """mlp, cnn, lstm, gpt: share of the values that is dropped in training."""

    def __post_init__(self) -> None:
        for name in ("width", "depth", "d_model", "n_layers", "n_heads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be >= 1")
        for name in ("hidden", "widths"):
            if any(size < 1 for size in getattr(self, name)):
                raise ValueError(f"{name} = {list(getattr(self, name))}: sizes >= 1")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout}: from 0 to below 1")


def build_model(config: ModelConfig, info: dict[str, Any], seed: int = 0) -> nn.Module:
    """The model for data that `info` describes (`Splits.info`).

    Called with features (and the mask of sentences) it gives logits: (batch, classes),
    or (batch, tokens, vocab) for text. ValueError if it cannot read such data.
    """
    kind, shape = info["name"], info["input_shape"]
    classes = len(info.get("classes", ()))
    if (kind in TEXTS) != (config.name in ("lstm", "gpt")):
        raise ValueError(f"model {config.name} does not read {kind} data")
    if config.name == "gpt" and kind == "text":
        sizes = (config.d_model, config.n_heads, config.n_layers)
        return GPT(len(info["vocabulary"]), shape[0], *sizes, config.dropout)
    if config.name == "lstm":
        sizes = (len(info["vocabulary"]), config.d_model, config.n_layers)
        if kind == "text":
            return CharLSTM(*sizes, config.dropout)
        return SentimentLSTM(*sizes, classes, config.dropout)
    if config.name in ("logistic", "mlp"):
        hidden = () if config.name == "logistic" else config.hidden
        return MLP(prod(shape), hidden, classes, config.dropout)
    if config.name == "scalar_mlp" and len(shape) == 1:
        return ScalarMLP(shape[0], config.hidden, classes, seed)
    if len(shape) == 3 and config.name in ("lenet", "cnn", "resnet"):
        return _build_for_images(config, shape, classes)
    raise ValueError(f"model {config.name} does not read {kind} data of shape {shape}")


def _build_for_images(config: ModelConfig, shape: list[int], classes: int) -> nn.Module:
    channels, height, width = shape
    if config.name == "resnet":
        return ResNet(channels, config.width, config.depth, classes)
    if height != width:
        raise ValueError(f"model {config.name} reads square images, not {shape}")
    if config.name == "lenet":
        return LeNet(channels, height, classes)
    return CNN(channels, height, config.widths, classes, config.dropout)
