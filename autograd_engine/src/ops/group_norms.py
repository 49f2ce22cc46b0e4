"""Normalisation per channel or group of channels: batch, group and instance norm."""

import math
from typing import Any

import numpy as np
from jaxtyping import Float

from ..engine.backend import array_module
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .fused import constant, want_same_dtype
from .group_norm_functions import BatchNorm, GroupNorm


@contract
def group_norm(
    input: Float[Tensor, "batch channel ..."],
    num_groups: int,
    weight: Float[Tensor, " channel"] | None = None,
    bias: Float[Tensor, " channel"] | None = None,
    eps: float = 1e-5,
) -> Float[Tensor, "batch channel ..."]:
    """Mean 0 and variance 1 over each group of channels (Wu & He 2018)."""
    _check("group_norm", input, weight, bias)
    if num_groups < 1 or input.shape[1] % num_groups:
        raise RuntimeError(
            f"group_norm: {input.shape[1]} channels of an input of shape "
            f"{input.shape} do not divide into {num_groups} groups"
        )
    return GroupNorm.apply(input, weight, bias, num_groups, eps)


@contract
def batch_norm(
    input: Float[Tensor, "batch channel ..."],
    running_mean: Float[Tensor, " channel"] | None,
    running_var: Float[Tensor, " channel"] | None,
    weight: Float[Tensor, " channel"] | None = None,
    bias: Float[Tensor, " channel"] | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Float[Tensor, "batch channel ..."]:
    """Mean 0 and variance 1 over the batch (Ioffe & Szegedy 2015).

    In training the running statistics move by `momentum` towards those of the batch
    (the variance unbiased); else they are used.
    """
    _check("batch_norm", input, weight, bias)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("batch_norm: evaluation needs running statistics")
        return _with_running(input, running_mean, running_var, weight, bias, eps)
    if input.numel() == input.shape[1]:
        raise ValueError(
            f"batch_norm: one value a channel has no variance, input {input.shape}"
        )
    statistics: dict[str, Any] = {}
    out = BatchNorm.apply(input, weight, bias, eps, statistics)
    count = statistics["count"]
    unbiased = statistics["var"] * (count / max(count - 1, 1))
    _move(running_mean, statistics["mean"], momentum)
    _move(running_var, unbiased, momentum)
    return out


@contract
def instance_norm(
    input: Float[Tensor, "batch channel ..."],
    running_mean: Float[Tensor, " channel"] | None = None,
    running_var: Float[Tensor, " channel"] | None = None,
    weight: Float[Tensor, " channel"] | None = None,
    bias: Float[Tensor, " channel"] | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Float[Tensor, "batch channel ..."]:
    """Mean 0 and variance 1 over each channel of each sample (Ulyanov et al. 2016)."""
    _check("instance_norm", input, weight, bias)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError("instance_norm: evaluation needs running statistics")
        return _with_running(input, running_mean, running_var, weight, bias, eps)
    count = math.prod(input.shape[2:])
    if count == 1:
        raise ValueError(
            f"instance_norm: one value a channel has no variance, input {input.shape}"
        )
    if running_mean is not None or running_var is not None:
        rows = input.data.reshape(*input.shape[:2], count)
        _move(running_mean, rows.mean(2).mean(0), momentum)
        unbiased = rows.var(2).mean(0) * (count / max(count - 1, 1))
        _move(running_var, unbiased, momentum)
    return GroupNorm.apply(input, weight, bias, input.shape[1], eps)


@contract
def local_response_norm(
    input: Float[Tensor, "batch channel length ..."],
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Float[Tensor, "batch channel length ..."]:
    """x / (k + alpha mean of x^2 over `size` neighbouring channels)^beta.

    Krizhevsky et al. 2012, section 3.3.
    """
    xp, channels = array_module(input.data), input.shape[1]
    at = xp.arange(channels)
    # Channel c sees c - size // 2 to c + (size - 1) // 2; what is outside counts as 0.
    gap = at[None] - at[:, None]
    window = (gap >= -(size // 2)) & (gap <= (size - 1) // 2)
    flat = input.reshape(*input.shape[:2], math.prod(input.shape[2:]))
    near = constant(window.astype(input.dtype)) @ (flat * flat)
    power = (near.reshape(input.shape) * (alpha / size) + k) ** beta
    return input / power


def _with_running(x: Tensor, mean, var, weight, bias, eps: float) -> Tensor:
    tail = [1] * (x.ndim - 2)
    scale = 1 / (var.detach() + eps).sqrt()
    shift = -mean.detach() * scale
    if weight is not None:
        scale, shift = scale * weight, shift * weight
    shift = shift if bias is None else shift + bias
    return x * scale.reshape(-1, *tail) + shift.reshape(-1, *tail)


def _move(running: Tensor | None, value: Any, momentum: float) -> None:
    """running = (1 - momentum) running + momentum value, in place."""
    if running is not None:
        running.data *= 1 - momentum
        running.data += np.multiply(value, momentum).astype(running.dtype)
        running.mark_written("batch_norm")


def _check(name: str, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> None:
    if x.ndim < 2:
        raise RuntimeError(
            f"{name}: an input of shape {x.shape} has no axes (batch, channel, ...)"
        )
    for label, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor.shape != (x.shape[1],):
            raise RuntimeError(
                f"{name}: a {label} of shape {tensor.shape} for an input of shape "
                f"{x.shape}: one number for each of {x.shape[1]} channels is wanted"
            )
    want_same_dtype(name, x, weight, bias)
