"""Models by name: `build_model(ModelConfig(...), in_channels, classes)`."""

from dataclasses import dataclass, field
from typing import Any, Literal

from torch import nn

from .attention_unet import AttentionUNet
from .unet import UNet
from .unet_transformer import TransformerConfig, UNetTransformer


__all__ = ["MODELS", "ModelConfig", "TransformerConfig", "build_model"]

MODELS: dict[str, type[nn.Module]] = {
    "unet": UNet,
    "unet_transformer": UNetTransformer,
    "attention_unet": AttentionUNet,
}


@dataclass(frozen=True, slots=True)
class ModelConfig:
    name: Literal["unet", "unet_transformer", "attention_unet"] = "unet"
    width: int = 32
    """Channels at full resolution; they double at each level."""
    depth: int = 4
    """How often the sides are halved, 1 to 8."""
    norm: Literal["batch", "group", "instance", "none"] = "batch"
    upsample: Literal["transposed", "bilinear"] = "transposed"
    dropout: float = 0.0
    """At the end of the contracting path, [0, 1)."""
    checkpointing: bool = False
    """Recompute each level in the backward pass: less memory, more time."""
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    """Read by `unet_transformer` only."""

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width is {self.width}; at least 1 channel")
        if not 1 <= self.depth <= 8:
            raise ValueError(f"depth is {self.depth}; from 1 to 8")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; from 0 to below 1")


def build_model(config: ModelConfig, in_channels: int, classes: int) -> nn.Module:
    """Build a model that maps images to logits, any sides from 16 up.

    A value that cannot be built, such as a head count that does not divide the width of
    a token, is a ValueError.
    """
    options: dict[str, Any] = {
        "width": config.width,
        "depth": config.depth,
        "norm": config.norm,
        "upsample": config.upsample,
        "dropout": config.dropout,
        "checkpointing": config.checkpointing,
    }
    if config.name == "unet_transformer":
        options["transformer"] = config.transformer
    return MODELS[config.name](in_channels, classes, **options)
