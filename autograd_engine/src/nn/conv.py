"""Convolutions and pooling as modules."""

from jaxtyping import Float

from .. import functional as F
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .linear import init_fan_in, new_parameter, no_parameter
from .module import Module


Size = int | tuple[int, ...]


class Conv1d(Module):
    """Cross-correlation along one axis."""

    rank = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_groups(type(self).__name__, in_channels, out_channels, groups)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = repeated(kernel_size, self.rank)
        self.stride, self.padding = stride, padding
        self.dilation, self.groups = dilation, groups
        self.weight = new_parameter(
            out_channels, in_channels // groups, *self.kernel_size
        )
        self.bias = new_parameter(out_channels) if bias else no_parameter(self, "bias")
        init_fan_in(self.weight, self.bias)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} *space"]
    ) -> Float[Tensor, "batch {self.out_channels} *out_space"]:
        convolve = F.conv1d if self.rank == 1 else F.conv2d
        return convolve(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, {self.kernel_size}"


class Conv2d(Conv1d):
    """Cross-correlation over images (batch, channel, height, width)."""

    rank = 2


class ConvTranspose1d(Module):
    """The gradient of a convolution used forwards: it enlarges by its stride."""

    rank = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
    ) -> None:
        super().__init__()
        check_groups(type(self).__name__, in_channels, out_channels, groups)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = repeated(kernel_size, self.rank)
        self.stride, self.padding = stride, padding
        self.output_padding, self.groups, self.dilation = (
            output_padding,
            groups,
            dilation,
        )
        self.weight = new_parameter(
            in_channels, out_channels // groups, *self.kernel_size
        )
        self.bias = new_parameter(out_channels) if bias else no_parameter(self, "bias")
        init_fan_in(self.weight, self.bias)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} *space"]
    ) -> Float[Tensor, "batch {self.out_channels} *out_space"]:
        convolve = F.conv_transpose1d if self.rank == 1 else F.conv_transpose2d
        return convolve(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, {self.kernel_size}"


class ConvTranspose2d(ConvTranspose1d):
    """`ConvTranspose1d` over images."""

    rank = 2


class MaxPool2d(Module):
    """The largest value of each window."""

    def __init__(
        self, kernel_size: Size, stride: Size | None = None, padding: Size = 0
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    @contract
    def forward(
        self, x: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel out_height out_width"]:
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding)


class AvgPool2d(Module):
    """The mean of each window."""

    def __init__(
        self, kernel_size: Size, stride: Size | None = None, padding: Size = 0
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    @contract
    def forward(
        self, x: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel out_height out_width"]:
        return F.avg_pool2d(x, self.kernel_size, self.stride, self.padding)


class AdaptiveAvgPool2d(Module):
    """Means over a grid of the wanted size."""

    def __init__(self, output_size: Size) -> None:
        super().__init__()
        self.output_size = output_size

    @contract
    def forward(
        self, x: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel out_height out_width"]:
        return F.adaptive_avg_pool2d(x, self.output_size)


def check_groups(name: str, in_channels: int, out_channels: int, groups: int) -> None:
    """ValueError where the channels do not split into the groups."""
    if in_channels % groups or out_channels % groups:
        raise ValueError(
            f"{name}: {in_channels} and {out_channels} channels do not split into "
            f"{groups} groups"
        )


def repeated(size: Size, rank: int) -> tuple[int, ...]:
    """A size for each of `rank` axes."""
    return (size,) * rank if isinstance(size, int) else tuple(size)
