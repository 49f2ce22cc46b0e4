"""Parts that several networks share."""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation (Ioffe & Szegedy 2015), activation.

    An odd `kernel` is padded to keep the sides. No bias unless asked for: the
    normalisation subtracts it again.
    """

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
        activation: nn.Module | None = None,
    ):
        self_conv = nn.Conv2d(
            cin, cout, kernel, stride, kernel // 2, groups=groups, bias=bias
        )
        parts = OrderedDict(conv=self_conv, norm=nn.BatchNorm2d(cout))
        if activation is not None:
            parts["activation"] = activation
        super().__init__(parts)
        self.cin, self.cout, self.stride = cin, cout, stride

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.cin} height width"]
    ) -> Float[
        Tensor,
        "batch {self.cout} (height-1)//{self.stride}+1 (width-1)//{self.stride}+1",
    ]:
        """Mix each pixel with its neighbours; each `stride`-th pixel of a row stays."""
        return super().forward(x)


class SqueezeExcite(nn.Module):
    """Weigh the channels by what the whole image says (Hu et al. 2018, 1709.01507).

    Squeeze: the mean of each channel. Excite: sigmoid(W2 relu(W1 z)), eq. 3, with a
    bottleneck of `channels` / 16.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels
        hidden = max(1, channels // 16)
        self.reduce = nn.Linear(channels, hidden)
        self.relu = nn.ReLU(inplace=True)
        self.expand = nn.Linear(hidden, channels)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.channels} height width"]
    ) -> Float[Tensor, "batch {self.channels} height width"]:
        """Multiply each channel by a share in (0, 1)."""
        squeezed = x.mean((2, 3))
        share = self.expand(self.relu(self.reduce(squeezed))).sigmoid()
        return x * share[:, :, None, None]


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016, arXiv 1603.09382).

    In training, a sample's branch is dropped with chance `rate` and else divided by
    1 - rate, which keeps its expectation; the paper multiplies at test time instead.
    """

    def __init__(self, rate: float = 0.0):
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"drop_path {rate} is not in [0, 1)")
        self.rate = rate

    @contract
    def forward(self, branch: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """Drop whole samples of `branch`."""
        if not self.training or self.rate == 0:
            return branch
        kept = branch.new_empty(len(branch), *[1] * (branch.ndim - 1))
        return branch * kept.bernoulli_(1 - self.rate).div_(1 - self.rate)


def drop_path_rates(last: float, blocks: int) -> list[float]:
    """From 0 in the first block to `last` in the last, on a line (Huang et al. 2016).

    Their eq. 4 is 0 at the image, one place before the first block.
    """
    return [last * block / max(1, blocks - 1) for block in range(blocks)]


def scale_width(channels: int, width: float) -> int:
    """A number of channels times the width multiplier, at least 1."""
    return max(1, round(channels * width))
