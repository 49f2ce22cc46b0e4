"""Convolutions as modules."""

from typing import Any

from jaxtyping import Float

from .. import functional as F
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .linear import init_fan_in, new_parameter, no_parameter
from .module import Module


Size = int | tuple[int, ...]


class Convolution(Module):
    """Weights (out, in / groups, *kernel) and how they move over the input."""

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
        check_channels(self, in_channels, out_channels, groups)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = repeated(kernel_size, self.rank)
        self.stride, self.padding = stride, padding
        self.dilation, self.groups = dilation, groups
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = new_parameter(*shape)
        self.bias = new_parameter(out_channels) if bias else no_parameter(self, "bias")
        init_fan_in(self.weight, self.bias)

    def options(self) -> tuple[Any, ...]:
        """What the function of this convolution is given after the input."""
        how = self.stride, self.padding, self.dilation, self.groups
        return self.weight, self.bias, *how

    def extra_repr(self) -> str:
        return described(self)


class Conv1d(Convolution):
    """Cross-correlation along one axis."""

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} length"]
    ) -> Float[Tensor, "batch {self.out_channels} out_length"]:
        return F.conv1d(x, *self.options())


class Conv2d(Convolution):
    """Cross-correlation over images."""

    rank = 2

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} height width"]
    ) -> Float[Tensor, "batch {self.out_channels} out_height out_width"]:
        return F.conv2d(x, *self.options())


class Transposed(Module):
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
        check_channels(self, in_channels, out_channels, groups)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = repeated(kernel_size, self.rank)
        self.stride, self.padding = stride, padding
        self.output_padding, self.groups = output_padding, groups
        self.dilation = dilation
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self.weight = new_parameter(*shape)
        self.bias = new_parameter(out_channels) if bias else no_parameter(self, "bias")
        # PyTorch takes the second axis for the inputs here too.
        init_fan_in(self.weight, self.bias)

    def options(self) -> tuple[Any, ...]:
        """What the function of this convolution is given after the input."""
        how = self.stride, self.padding, self.output_padding, self.groups
        return self.weight, self.bias, *how, self.dilation

    def extra_repr(self) -> str:
        return described(self)


class ConvTranspose1d(Transposed):
    """Transposed convolution along one axis."""

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} length"]
    ) -> Float[Tensor, "batch {self.out_channels} out_length"]:
        return F.conv_transpose1d(x, *self.options())


class ConvTranspose2d(Transposed):
    """Transposed convolution over images."""

    rank = 2

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} height width"]
    ) -> Float[Tensor, "batch {self.out_channels} out_height out_width"]:
        return F.conv_transpose2d(x, *self.options())


def check_channels(
    module: Module, in_channels: int, out_channels: int, groups: int
) -> None:
    """ValueError where the channels do not split into the groups."""
    name = type(module).__name__
    if min(in_channels, out_channels, groups) < 1:
        raise ValueError(
            f"{name}: {in_channels} and {out_channels} channels in {groups} groups; "
            "each must be 1 or more"
        )
    if in_channels % groups or out_channels % groups:
        raise ValueError(
            f"{name}: {in_channels} and {out_channels} channels do not split into "
            f"{groups} groups"
        )


def described(module: Any) -> str:
    """The channels, the kernel, and what is not as it is by default."""
    parts = [f"{module.in_channels}, {module.out_channels}, {module.kernel_size}"]
    usual = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}
    for name, default in usual.items():
        value = getattr(module, name) if hasattr(module, name) else default
        if value != default:
            parts.append(f"{name}={value!r}")
    return ", ".join(parts + (["bias=False"] if module.bias is None else []))


def repeated(size: Size, rank: int) -> tuple[int, ...]:
    """A size for each of `rank` axes, all 1 or more."""
    sizes = (size,) * rank if isinstance(size, int) else tuple(size)
    if len(sizes) != rank or min(sizes) < 1:
        raise ValueError(f"kernel_size {size}: one number, or {rank}, each 1 or more")
    return sizes
