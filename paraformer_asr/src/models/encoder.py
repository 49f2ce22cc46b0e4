"""From features to hidden states: subsampling, then layers of one of three kinds."""

from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.lengths import length_mask
from .conformer import ConformerBlock
from .positions import sinusoids
from .subsampling import Conv2dSubsampling
from .transformer_encoder import TransformerLayer


class Encoded(NamedTuple):
    """What an encoder heard."""

    hidden: Float[Tensor, "batch time d_model"]
    """Zeros behind the end of an item."""
    lengths: Int[Tensor, " batch"]


Kind = Literal["transformer", "conformer", "sanm"]


def build_encoder(config: Any, mels: int) -> "Encoder":
    """The encoder that the `ModelConfig` describes."""
    return Encoder(
        mels,
        config.encoder,
        d_model=config.d_model,
        heads=config.heads,
        layers=config.encoder_layers,
        ff=config.ff,
        kernel=config.kernel,
        dropout=config.dropout,
        subsampling=config.subsampling,
        causal=config.causal,
        chunk=config.chunk,
        left_chunks=config.left_chunks,
    )


class Encoder(nn.Module):
    """Subsampling, positions, layers, norm."""

    def __init__(
        self,
        mels: int,
        kind: Kind = "conformer",
        *,
        d_model: int = 64,
        heads: int = 4,
        layers: int = 3,
        ff: int = 256,
        kernel: int = 15,
        dropout: float = 0.1,
        subsampling: Literal[1, 2, 4] = 4,
        causal: bool = False,
        chunk: int = 0,
        left_chunks: int = -1,
    ):
        super().__init__()
        self.mels, self.d_model, self.subsampling = mels, d_model, subsampling
        self.relative = kind == "conformer"
        self.front = Conv2dSubsampling(mels, d_model, subsampling)
        self.drop = nn.Dropout(dropout)
        sizes = d_model, heads, ff
        self.layers = nn.ModuleList(
            TransformerLayer(*sizes, dropout)
            if kind == "transformer"
            else ConformerBlock(*sizes, kernel, dropout, causal=causal)
            for _ in range(layers)
        )
        # A block of the Conformer ends with a norm.
        self.norm = nn.Identity() if self.relative else nn.LayerNorm(d_model)

    @contract
    def lengths(self, feature_lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Hidden states of each item: ceil(frames / subsampling)."""
        return self.front.lengths(feature_lengths)

    @contract
    def forward(
        self,
        features: Float[Tensor, "batch frames {self.mels}"],
        feature_lengths: Int[Tensor, " batch"],
    ) -> Encoded:
        """Each item as if it were alone."""
        x = self.front(features, feature_lengths)
        lengths = self.lengths(feature_lengths)
        time = x.shape[1]
        time_mask = length_mask(lengths, time)
        mask = time_mask[:, None]
        steps = torch.arange(time, device=x.device)
        if self.relative:
            places = torch.arange(time - 1, -time, -1, device=x.device)
            distances = sinusoids(places.to(x.dtype), self.d_model)
            x = self.drop(x)
            for layer in self.layers:
                x = layer(x, distances, mask, time_mask)
        else:
            x = x * self.d_model**0.5 + sinusoids(steps.to(x.dtype), self.d_model)
            x = self.drop(x)
            for layer in self.layers:
                x = layer(x, mask, time_mask)
        x = self.norm(x).masked_fill(~time_mask[..., None], 0.0)
        return Encoded(x, lengths)
