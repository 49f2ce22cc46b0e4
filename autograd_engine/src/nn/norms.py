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
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.normalized_shape, self.eps = last_axes(normalized_shape), eps
        affine = elementwise_affine
        add_affine(self, self.normalized_shape, affine, affine and bias)

    @contract
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}"


class RMSNorm(Module):
    """x / sqrt(mean(x^2) + eps), scaled (Zhang & Sennrich 2019)."""

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float | None = None,
        elementwise_affine: bool = True,
    ) -> None:
        super().__init__()
        self.normalized_shape, self.eps = last_axes(normalized_shape), eps
        if elementwise_affine:
            self.weight = init.ones_(new_parameter(*self.normalized_shape))
        else:
            no_parameter(self, "weight")

    @contract
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}"


class GroupNorm(Module):
    """Mean 0 and variance 1 over groups of channels (Wu & He 2018)."""

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
    ) -> None:
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: {num_channels} channels do not split into "
                f"{num_groups} groups"
            )
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        add_affine(self, (num_channels,), affine, affine)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.num_channels} *space"]
    ) -> Float[Tensor, "batch {self.num_channels} *space"]:
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}"


class Tracked(Module):
    """What batch and instance norm share: features, and statistics of the past."""

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track: bool,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        add_affine(self, (num_features,), affine, affine)
        zeros = Tensor(np.zeros(num_features, np.float32)) if track else None
        ones = Tensor(np.ones(num_features, np.float32)) if track else None
        count = Tensor(np.zeros((), np.int64)) if track else None
        self.register_buffer("running_mean", zeros)
        self.register_buffer("running_var", ones)
        self.register_buffer("num_batches_tracked", count)

    def extra_repr(self) -> str:
        return f"{self.num_features}"


class BatchNorm(Tracked):
    """Mean 0 and variance 1 over the batch (Ioffe & Szegedy 2015).

    In training the statistics of the batch are used, and folded into the running ones
    with the share `momentum` (None: the plain average of all batches); in evaluation
    the running ones are used.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def normalise(self, x: Tensor) -> Tensor:
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


class BatchNorm1d(BatchNorm):
    """Batch norm of vectors, or of (batch, channel, length)."""

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch {self.num_features}"]
        | Float[Tensor, "batch {self.num_features} length"],
    ) -> (
        Float[Tensor, "batch {self.num_features}"]
        | Float[Tensor, "batch {self.num_features} length"]
    ):
        return self.normalise(x)


class BatchNorm2d(BatchNorm):
    """Batch norm of images: over batch, height and width."""

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.num_features} height width"]
    ) -> Float[Tensor, "batch {self.num_features} height width"]:
        return self.normalise(x)


class InstanceNorm(Tracked):
    """Mean 0 and variance 1 over each channel of each sample (Ulyanov et al. 2016)."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def normalise(self, x: Tensor) -> Tensor:
        mean, var = self.running_mean, self.running_var
        own = self.training or mean is None
        share = self.momentum
        return F.instance_norm(
            x, mean, var, self.weight, self.bias, own, share, self.eps
        )


class InstanceNorm1d(InstanceNorm):
    """Instance norm of (batch, channel, length)."""

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.num_features} length"]
    ) -> Float[Tensor, "batch {self.num_features} length"]:
        return self.normalise(x)


class InstanceNorm2d(InstanceNorm):
    """Instance norm of images."""

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.num_features} height width"]
    ) -> Float[Tensor, "batch {self.num_features} height width"]:
        return self.normalise(x)


def add_affine(
    module: Module, shape: tuple[int, ...], weight: bool, bias: bool
) -> None:
    """Scale 1 and shift 0, or the note that there is none."""
    for name, wanted, fill in (
        ("weight", weight, init.ones_),
        ("bias", bias, init.zeros_),
    ):
        if wanted:
            module.register_parameter(name, fill(new_parameter(*shape)))
        else:
            no_parameter(module, name)


def last_axes(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    """`shape` as a tuple; a number is one axis."""
    return (shape,) if isinstance(shape, int) else tuple(shape)
