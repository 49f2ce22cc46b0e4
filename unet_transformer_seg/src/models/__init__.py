"""Models by name: `build_model(ModelConfig(...), in_channels, classes)`."""

from dataclasses import dataclass, field
from typing import Literal

from torch import nn

from .unet import UNet

MODELS: dict[str, type[nn.Module]] = {"unet": UNet}


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """The Transformer at the bottleneck of `unet_transformer`."""

    layers: int = 4
    d_model: int = 0
    """Width of a token; 0 takes the channels at the bottleneck, else they are projected."""
    n_heads: int = 8
    mlp_ratio: float = 4.0
    position: Literal["learned", "sine"] = "learned"
    grid: int = 8
    """Side of the learned grid of position codes; other grids are interpolated from it."""
    dropout: float = 0.0
    drop_path: float = 0.0
    """Chance to skip a residual branch of the last layer; grows linearly from 0 at the first."""
    attention: Literal["explicit", "sdpa"] = "sdpa"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    name: Literal["unet", "unet_transformer", "attention_unet"] = "unet"
    width: int = 32
    """Channels at full resolution; they double at each level."""
    depth: int = 4
    """How often the sides are halved."""
    norm: Literal["batch", "group", "instance", "none"] = "batch"
    upsample: Literal["transposed", "bilinear"] = "transposed"
    dropout: float = 0.0
    """At the end of the contracting path."""
    checkpointing: bool = False
    """Recompute each level in the backward pass: less memory, about a third more time."""
    transformer: TransformerConfig = field(default_factory=TransformerConfig)


def build_model(config: ModelConfig, in_channels: int, classes: int) -> nn.Module:
    """Build the model of `config`: `forward(image) -> logits`, any sides from 16 up."""
    options = {
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
