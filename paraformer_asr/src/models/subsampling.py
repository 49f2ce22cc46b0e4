"""Two convolutions that halve mels and time (Dong et al. 2018, the Speech-Transformer).

The kernel is 3. With stride s over time, frame j of the result sees the frames
s j - (3 - s) ... s j + s - 1 of what comes in: the end that it does not see beyond is
that of its own s frames, so the same convolution serves a causal encoder and a stream.
T frames become ceil(T / s), for any T.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.lengths import length_mask
from .linear import Linear


STRIDES = {1: (1, 1), 2: (2, 1), 4: (2, 2)}  # over time, of the two convolutions


class Conv2dSubsampling(nn.Module):
    """Features to `d_model` numbers for every `subsampling` frames.

    The papers take `d_model` channels, half the work of a small model; 32 hear as well.
    """

    def __init__(
        self, mels: int, d_model: int, subsampling: int = 4, channels: int = 32
    ):
        super().__init__()
        if subsampling not in STRIDES:
            raise ValueError(f"subsampling = {subsampling}: must be 1, 2 or 4")
        self.mels, self.d_model, self.subsampling = mels, d_model, subsampling
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, channels, 3, (stride, 2), padding=(stride - 1, 1))
            for before, stride in zip((1, channels), STRIDES[subsampling], strict=True)
        )
        self.out = Linear(channels * (-(-mels // 4)), d_model)

    @contract
    def lengths(self, feature_lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """ceil(T / subsampling)."""
        return (feature_lengths + self.subsampling - 1) // self.subsampling

    @contract
    def forward(
        self,
        features: Float[Tensor, "batch frames {self.mels}"],
        feature_lengths: Int[Tensor, " batch"],
    ) -> Float[Tensor, "batch -(-frames//{self.subsampling}) {self.d_model}"]:
        """The frames of each item as if it were alone; behind its end, anything."""
        if features.shape[1] == 0:
            return features.new_zeros(len(features), 0, self.d_model)
        x, lengths = _hide(features[:, None], feature_lengths), feature_lengths
        for convolution in self.convolutions:
            stride = convolution.stride[0]
            if stride == 1:
                x = F.pad(x, (0, 0, 2, 0))
            lengths = (lengths + stride - 1) // stride
            x = _hide(convolution(x), lengths).relu_()
        return self.out(x.transpose(1, 2).flatten(2))

    def new_edges(self, batch: int) -> list[Tensor]:
        """Zeros before the first frame, for each convolution."""
        edges, mels = [], self.mels
        for convolution in self.convolutions:
            channels, before = convolution.in_channels, 3 - convolution.stride[0]
            edges.append(convolution.weight.new_zeros(batch, channels, before, mels))
            mels = -(-mels // 2)
        return edges

    @contract
    def step(
        self,
        features: Float[Tensor, "batch frames {self.mels}"],
        edges: list[Tensor],
    ) -> Float[Tensor, "batch -(-frames//{self.subsampling}) {self.d_model}"]:
        """`forward` of the frames that follow those that left `edges`, which change.

        Only the last call may have a number of frames that is no multiple of
        `subsampling`.
        """
        if features.shape[1] == 0:
            return features.new_zeros(len(features), 0, self.d_model)
        x = features[:, None]
        for i, convolution in enumerate(self.convolutions):
            stride = convolution.stride[0]
            whole = F.pad(x, (0, 0, 0, -x.shape[2] % stride))
            whole = torch.cat((edges[i], whole), 2)
            edges[i] = whole[:, :, stride - 3 :]
            x = F.conv2d(
                whole, convolution.weight, convolution.bias, (stride, 2), (0, 1)
            ).relu_()
        return self.out(x.transpose(1, 2).flatten(2))


def _hide(x: Tensor, lengths: Tensor) -> Tensor:
    """Zero what lies behind the end of each item: (batch, channels, time, mels)."""
    return x.masked_fill(~length_mask(lengths, x.shape[2])[:, None, :, None], 0.0)
