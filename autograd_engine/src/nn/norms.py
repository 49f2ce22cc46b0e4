"""Normalisation layers: the same statistics, over different axes."""

import numpy as np
from jaxtyping import Float

from .. import functional as F
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from . import init
from .linear import new_parameter, no_parameter
from .module import Module


class LayerNorm(Module):
    """Mean 0, variance 1 over the last axes (Ba et al. 2016), then scale and shift."""

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        bias: bool = True,
    ) -> None:
        super().__init__()
        one = isinstance(normalized_shape, int)
        self.normalized_shape = (normalized_shape,) if one else tuple(normalized_shape)
        self.eps = eps
        self.weight = init.ones_(new_parameter(*self.normalized_shape))
        if bias:
            self.bias = new_parameter(*self.normalized_shape)
        else:
            no_parameter(self, "bias")

    @contract
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(Module):
    """x / sqrt(mean(x^2) + eps), scaled (Zhang & Sennrich 2019)."""

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float | None = None
    ) -> None:
        super().__init__()
        one = isinstance(normalized_shape, int)
        self.normalized_shape = (normalized_shape,) if one else tuple(normalized_shape)
        self.eps = eps
        self.weight = init.ones_(new_parameter(*self.normalized_shape))

    @contract
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)


class GroupNorm(Module):
    """Mean 0 and variance 1 over groups of channels (Wu & He 2018)."""

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: {num_channels} channels do not split into "
                f"{num_groups} groups"
            )
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.weight = init.ones_(new_parameter(num_channels))
        self.bias = new_parameter(num_channels)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.num_channels} *space"]
    ) -> Float[Tensor, "batch {self.num_channels} *space"]:
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class BatchNorm1d(Module):
    """Mean 0 and variance 1 over the batch (Ioffe & Szegedy 2015).

    In training the statistics of the batch are used, and folded into the running ones
    with the share `momentum`; in evaluation the running ones are used.
    """

    axes = (2, 3)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        if affine:
            self.weight = init.ones_(new_parameter(num_features))
            self.bias = new_parameter(num_features)
        else:
            no_parameter(self, "weight")
            no_parameter(self, "bias")
        track = track_running_stats
        zeros = Tensor(np.zeros(num_features, np.float32)) if track else None
        ones = Tensor(np.ones(num_features, np.float32)) if track else None
        self.register_buffer("running_mean", zeros)
        self.register_buffer("running_var", ones)
        count = Tensor(np.zeros((), np.int64)) if track else None
        self.register_buffer("num_batches_tracked", count)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.num_features} *space"]
    ) -> Float[Tensor, "batch {self.num_features} *space"]:
        if x.ndim not in self.axes:
            axes = " or ".join(str(n) for n in self.axes)
            raise ValueError(
                f"{type(self).__name__} takes {axes} axes, not the shape {x.shape}"
            )
        share, tracked = self.momentum, self.num_batches_tracked
        if self.training and tracked is not None:
            tracked.data += 1
            share = 1 / int(tracked) if share is None else share
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training or tracked is None,
            momentum=0.0 if share is None else share,
            eps=self.eps,
        )

    def extra_repr(self) -> str:
        return f"{self.num_features}"


class BatchNorm2d(BatchNorm1d):
    """`BatchNorm1d` for images: over batch, height and width."""

    axes = (4,)


class InstanceNorm2d(Module):
    """Mean 0 and variance 1 over each channel of each image (Ulyanov et al. 2016)."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, affine: bool = False
    ) -> None:
        super().__init__()
        self.num_features, self.eps = num_features, eps
        if affine:
            self.weight = init.ones_(new_parameter(num_features))
            self.bias = new_parameter(num_features)
        else:
            no_parameter(self, "weight")
            no_parameter(self, "bias")

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.num_features} height width"]
    ) -> Float[Tensor, "batch {self.num_features} height width"]:
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)
