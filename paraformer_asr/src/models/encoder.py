"""From features to hidden states: subsampling, then layers of one of three kinds."""

from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.lengths import length_mask
from .attention import KeysValues
from .conformer import ConformerBlock
from .memory import EncoderMemory, LayerMemory
from .positions import sinusoids
from .sanm import SanmLayer
from .scene import Scene, chunk_mask
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
        channels=config.front_channels,
        causal=config.causal,
        chunk=config.chunk,
        left_chunks=config.left_chunks,
    )


class Encoder(nn.Module):
    """Subsampling, positions, layers, norm.

    `dropout` is on the result of each part of a layer and not inside them: there it
    would take a seventh of a training step on a CPU, for no gain that was seen.
    """

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
        channels: int = 32,
        causal: bool = False,
        chunk: int = 0,
        left_chunks: int = -1,
    ):
        super().__init__()
        self.mels, self.d_model, self.subsampling = mels, d_model, subsampling
        self.chunk = max(chunk, 1) if causal else 0
        self.left_chunks, self.kind = left_chunks, kind
        self.front = Conv2dSubsampling(mels, d_model, subsampling, channels)
        self.drop = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            _layer(kind, d_model, heads, ff, kernel, dropout, causal)
            for _ in range(layers)
        )
        # A block of the Conformer ends with a norm.
        self.norm = nn.Identity() if kind == "conformer" else nn.LayerNorm(d_model)

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
        lengths = self.lengths(feature_lengths)
        x = self.front(features, feature_lengths)
        time = x.shape[1]
        if time == 0:
            return Encoded(x, lengths)
        time_mask = length_mask(lengths, time)
        mask = time_mask[:, None]
        if self.chunk:
            seen = chunk_mask(time, time, self.chunk, self.left_chunks)
            mask = mask & seen.to(mask.device)
        x, distances = self._place(x, 0, time)
        scene = Scene(mask, time_mask, distances)
        for layer in self.layers:
            x = layer(x, scene)
        return Encoded(self.norm(x).masked_fill(~time_mask[..., None], 0.0), lengths)

    def new_memory(self, batch: int = 1) -> EncoderMemory:
        """For the first `step` of `batch` streams; ValueError where none can be."""
        if not self.chunk:
            raise ValueError("an encoder with causal = False needs the whole utterance")
        weight = self.front.out.weight
        keep = None if self.left_chunks < 0 else self.left_chunks * self.chunk
        return EncoderMemory(
            weight.new_zeros(batch, 0, self.mels),
            weight.new_zeros(batch, 0, self.d_model),
            self.front.new_edges(batch),
            [_forget(layer, batch, keep, weight) for layer in self.layers],
        )

    @contract
    def step(
        self,
        features: Float[Tensor, "batch frames {self.mels}"],
        memory: EncoderMemory,
        last: bool = False,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """The hidden states that are now complete: whole chunks, all if `last`.

        Joined, those of all steps are `forward` of the whole. Changes `memory`.
        """
        features = torch.cat((memory.features, features), 1)
        ready = _multiple(features.shape[1], self.subsampling, last)
        memory.features = features[:, ready:]
        x = self.front.step(features[:, :ready], memory.edges)
        x = torch.cat((memory.hidden, x), 1)
        time = _multiple(x.shape[1], self.chunk, last)
        memory.hidden, x = x[:, time:], x[:, :time]
        if time == 0:
            return x
        past = memory.layers[0].attended.k.shape[2]
        total = past + time
        seen = chunk_mask(time, total, self.chunk, self.left_chunks, memory.past)
        mask = seen.to(x.device).expand(len(x), -1, -1)
        x, distances = self._place(x, memory.past, total)
        for layer, kept in zip(self.layers, memory.layers, strict=True):
            x = layer(x, Scene(mask, None, distances), kept)
        memory.past += time
        return self.norm(x)

    def _place(self, x: Tensor, past: int, total: int) -> tuple[Tensor, Tensor | None]:
        """Positions: added to the frames, or the distances of the Conformer."""
        # Half types cannot count frames.
        wide = torch.promote_types(x.dtype, torch.float32)
        options = {"dtype": wide, "device": x.device}
        if self.kind == "conformer":
            distances = torch.arange(total - 1, -x.shape[1], -1, **options)
            return self.drop(x), sinusoids(distances, self.d_model).to(x.dtype)
        places = torch.arange(past, past + x.shape[1], **options)
        positions = sinusoids(places, self.d_model).to(x.dtype)
        return self.drop(x * self.d_model**0.5 + positions), None


def _layer(
    kind: Kind,
    d_model: int,
    heads: int,
    ff: int,
    kernel: int,
    dropout: float,
    causal: bool,
) -> nn.Module:
    if kind == "transformer":
        return TransformerLayer(d_model, heads, ff, dropout)
    blocks = {"conformer": ConformerBlock, "sanm": SanmLayer}
    if kind not in blocks:
        raise ValueError(f"encoder = {kind!r}: must be transformer, conformer or sanm")
    return blocks[kind](d_model, heads, ff, kernel, dropout, causal=causal)


def _forget(layer: nn.Module, batch: int, keep: int | None, like: Tensor):
    """The memory of a layer before the first frame."""
    heads, head_dim = layer.attention.heads, layer.attention.head_dim
    nothing = like.new_zeros(batch, heads, 0, head_dim)
    edge = like.new_zeros(batch, layer.kernel - 1, layer.d_model)
    return LayerMemory(KeysValues(nothing, nothing), edge, keep)


def _multiple(size: int, unit: int, last: bool) -> int:
    """As much of `size` as fills units, all of it at the end."""
    return size if last else size // unit * unit
