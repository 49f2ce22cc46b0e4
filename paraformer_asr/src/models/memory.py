"""What an encoder keeps of a stream between two chunks of it."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from .attention import KeysValues


@dataclass
class LayerMemory:
    """Keys and values of the frames before, and what the convolution still needs."""

    attended: KeysValues
    convolved: Float[Tensor, "batch past d_model"]
    keep: int | None
    """Frames before its chunk that a frame may see; None: all."""

    def attend(self, new: KeysValues) -> KeysValues:
        """Those before and the new ones."""
        both = self.attended.append(new)
        first = 0 if self.keep is None else max(0, both.k.shape[2] - self.keep)
        self.attended = KeysValues(both.k[:, :, first:], both.v[:, :, first:])
        return both

    def convolve(self, new: Tensor) -> Tensor:
        """The frames before and the new ones."""
        both = torch.cat((self.convolved, new), 1)
        self.convolved = both[:, new.shape[1] :]
        return both


@dataclass
class EncoderMemory:
    """The state of `Encoder.step`, which changes it."""

    features: Float[Tensor, "batch waiting mels"]
    """Too few for a subsampled frame."""
    hidden: Float[Tensor, "batch waiting d_model"]
    """Subsampled frames, too few for a chunk."""
    edges: list[Float[Tensor, "batch channels edge mels"]]
    """Of each convolution of the subsampling, the input that the next frame needs."""
    layers: list[LayerMemory]
    past: int = field(default=0)
    """Frames that went through the layers."""
