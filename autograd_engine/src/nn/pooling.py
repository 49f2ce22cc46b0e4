"""Pooling, enlarging and padding as modules."""

from jaxtyping import Float

from .. import functional as F
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .conv import Size
from .module import Module


class MaxPool(Module):
    """The largest value of each window; `stride` is `kernel_size` unless given."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.ceil_mode = dilation, ceil_mode

    def options(self) -> tuple:
        how = self.kernel_size, self.stride, self.padding, self.dilation
        return *how, self.ceil_mode

    def extra_repr(self) -> str:
        return f"{self.kernel_size}"


class MaxPool1d(MaxPool):
    """The largest value of each window along one axis."""

    @contract
    def forward(
        self, x: Float[Tensor, "batch channel length"]
    ) -> Float[Tensor, "batch channel out_length"]:
        return F.max_pool1d(x, *self.options())


class MaxPool2d(MaxPool):
    """The largest value of each window of an image."""

    @contract
    def forward(
        self, x: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel out_height out_width"]:
        return F.max_pool2d(x, *self.options())


class AvgPool(Module):
    """The mean of each window; zeros of the padding count unless told otherwise."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def options(self) -> tuple:
        how = self.kernel_size, self.stride, self.padding, self.ceil_mode
        return *how, self.count_include_pad

    def extra_repr(self) -> str:
        return f"{self.kernel_size}"


class AvgPool1d(AvgPool):
    """The mean of each window along one axis."""

    @contract
    def forward(
        self, x: Float[Tensor, "batch channel length"]
    ) -> Float[Tensor, "batch channel out_length"]:
        return F.avg_pool1d(x, *self.options())


class AvgPool2d(AvgPool):
    """The mean of each window of an image."""

    @contract
    def forward(
        self, x: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel out_height out_width"]:
        return F.avg_pool2d(x, *self.options())


class AdaptiveAvgPool1d(Module):
    """Means over a row of the wanted length."""

    def __init__(self, output_size: Size) -> None:
        super().__init__()
        self.output_size = output_size

    @contract
    def forward(
        self, x: Float[Tensor, "batch channel length"]
    ) -> Float[Tensor, "batch channel out_length"]:
        return F.adaptive_avg_pool1d(x, self.output_size)


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


class AdaptiveMaxPool2d(Module):
    """Largest values over a grid of the wanted size."""

    def __init__(self, output_size: Size) -> None:
        super().__init__()
        self.output_size = output_size

    @contract
    def forward(
        self, x: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel out_height out_width"]:
        return F.adaptive_max_pool2d(x, self.output_size)


class Upsample(Module):
    """Enlarged to `size` or by `scale_factor`: `nearest`, `linear`, `bilinear` ..."""

    def __init__(
        self,
        size: Size | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
    ) -> None:
        super().__init__()
        self.size, self.scale_factor = size, scale_factor
        self.mode, self.align_corners = mode, align_corners

    @contract
    def forward(
        self, x: Float[Tensor, "batch channel *sizes"]
    ) -> Float[Tensor, "batch channel *resized"]:
        how = self.size, self.scale_factor, self.mode, self.align_corners
        return F.interpolate(x, *how)


class ZeroPad2d(Module):
    """Zeros around an image: one width, or (left, right, top, bottom)."""

    def __init__(self, padding: Size) -> None:
        super().__init__()
        self.padding = (padding,) * 4 if isinstance(padding, int) else padding

    @contract
    def forward(
        self, x: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel out_height out_width"]:
        return F.pad(x, self.padding)
