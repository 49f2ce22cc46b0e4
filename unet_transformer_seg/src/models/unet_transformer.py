"""U-Net with a Transformer at the bottleneck (TransUNet, Chen et al. 2021, 2102.04306).

A convolution sees its neighbourhood; at the bottleneck every cell looks at every other.
Only there: the cost of attention grows with the square of the number of cells.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .attention import TransformerLayer
from .position import LearnedPosition, SinePosition
from .recompute import recompute
from .unet import UNet


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    layers: int = 4
    d_model: int = 0
    """Width of a token, projected to and from; 0: the channels at the bottleneck."""
    n_heads: int = 8
    """Must divide the width of a token."""
    mlp_ratio: float = 4.0
    """Width of the hidden layer of the perceptron over that of a token."""
    position: Literal["learned", "sine"] = "learned"
    grid: int = 8
    """Side of the learned grid of position codes, best the training size / 2^depth."""
    dropout: float = 0.0
    drop_path: float = 0.0
    """Chance to skip a branch of the last layer, [0, 1); rises linearly from 0."""
    attention: Literal["explicit", "sdpa"] = "sdpa"
    """The written-out formula, or torch's fused kernel: same result."""

    def __post_init__(self) -> None:
        for name, least in (("layers", 1), ("d_model", 0), ("n_heads", 1), ("grid", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; at least {least}")
        if self.mlp_ratio <= 0:
            raise ValueError(f"mlp_ratio is {self.mlp_ratio}; more than 0")
        for name in ("dropout", "drop_path"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; from 0 to below 1")


class UNetTransformer(UNet):
    """`UNet` whose bottleneck passes through `TransformerBridge`."""

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        transformer: TransformerConfig,
        **unet: Any,
    ):
        super().__init__(in_channels, classes, **unet)
        self.layers, self.heads = transformer.layers, transformer.n_heads
        self.bridge = TransformerBridge(
            self.bottleneck.cout, transformer, checkpointing=self.checkpointing
        )

    @contract
    def attention_maps(
        self, image: Float[Tensor, "batch {self.in_channels} height width"]
    ) -> Float[Tensor, "{self.layers} batch {self.heads} tokens tokens"]:
        """Return the weights with which each token (row) looks at each token.

        Tokens go row by row over the grid that `token_grid` gives.
        """
        features, _ = self.encode(image)
        return self.bridge.attention_maps(features)

    def token_grid(self, height: int, width: int) -> tuple[int, int]:
        """Return the rows and columns of tokens of an image of this size.

        A token stands for `stride` x `stride` pixels of the image after its padding.
        """
        rows, columns = (max(2, -(-side // self.stride)) for side in (height, width))
        return rows, columns


class TransformerBridge(nn.Module):
    """Read a feature map as a sequence of its cells, transform it, write it back."""

    def __init__(
        self, channels: int, config: TransformerConfig, *, checkpointing: bool = False
    ):
        super().__init__()
        self.channels = channels
        self.layer_count, self.heads = config.layers, config.n_heads
        self.checkpointing = checkpointing
        d_model = config.d_model or channels
        projected = d_model != channels
        self.project_in = nn.Linear(channels, d_model) if projected else nn.Identity()
        self.position = (
            SinePosition(d_model)
            if config.position == "sine"
            else LearnedPosition(d_model, config.grid)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(
            TransformerLayer(
                d_model,
                config.n_heads,
                mlp_ratio=config.mlp_ratio,
                dropout=config.dropout,
                drop_path=config.drop_path * i / max(1, config.layers - 1),
                attention=config.attention,
            )
            for i in range(config.layers)
        )
        self.norm = nn.LayerNorm(d_model)
        self.project_out = nn.Linear(d_model, channels) if projected else nn.Identity()
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.channels} height width"]
    ) -> Float[Tensor, "batch {self.channels} height width"]:
        """Let every cell look at every other."""
        tokens = self._tokens(x)
        for layer in self.layers:
            if self.checkpointing and self.training:
                tokens = recompute(layer, tokens)
            else:
                tokens = layer(tokens)
        tokens = self.project_out(self.norm(tokens))
        return tokens.mT.unflatten(2, x.shape[-2:])

    @contract
    def attention_maps(
        self, x: Float[Tensor, "batch {self.channels} height width"]
    ) -> Float[
        Tensor, "{self.layer_count} batch {self.heads} height*width height*width"
    ]:
        """Return each layer's attention weights; row i is what cell i looks at."""
        tokens, maps = self._tokens(x), []
        for layer in self.layers:
            maps.append(layer.attend.weights(layer.norm1(tokens)))
            tokens = layer(tokens)
        return torch.stack(maps)

    def _tokens(self, x: Tensor) -> Tensor:
        tokens = self.project_in(x.flatten(2).mT)  # batch height*width d_model
        return self.dropout(tokens + self.position(*x.shape[-2:]))
