"""Affine maps, tables of vectors, and modules that only reshape."""

from math import sqrt

import numpy as np
from jaxtyping import Float, Int

from .. import functional as F
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from . import init
from .module import Module, Parameter


class Identity(Module):
    """What goes in comes out."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class Flatten(Module):
    """All axes from `start_dim` to `end_dim` as one."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(self.start_dim, self.end_dim)


class Unflatten(Module):
    """One axis as several."""

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(self.dim, self.unflattened_size)


class Linear(Module):
    """y = x W^T + b."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = new_parameter(out_features, in_features)
        self.bias = new_parameter(out_features) if bias else no_parameter(self, "bias")
        init_fan_in(self.weight, self.bias)

    @contract
    def forward(
        self, x: Float[Tensor, "*batch {self.in_features}"]
    ) -> Float[Tensor, "*batch {self.out_features}"]:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        bias = ", bias=False" if self.bias is None else ""
        return f"{self.in_features}, {self.out_features}{bias}"


class Embedding(Module):
    """Row `i` of a table for each index `i`; row `padding_idx` is 0 and stays."""

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None
    ) -> None:
        super().__init__()
        rows = num_embeddings
        if padding_idx is not None and not -rows <= padding_idx < rows:
            raise ValueError(
                f"Embedding: padding_idx {padding_idx} for a table of {rows} rows"
            )
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % rows
        self.weight = init.normal_(new_parameter(num_embeddings, embedding_dim))
        if padding_idx is not None:
            self.weight.data[padding_idx] = 0

    @contract
    def forward(
        self, index: Int[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch {self.embedding_dim}"]:
        return F.embedding(index, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}"


class Bilinear(Module):
    """y_k = x1^T W_k x2 + b_k."""

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.in1_features, self.in2_features = in1_features, in2_features
        self.out_features = out_features
        self.weight = new_parameter(out_features, in1_features, in2_features)
        self.bias = new_parameter(out_features) if bias else no_parameter(self, "bias")
        bound = 1 / sqrt(in1_features)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    @contract
    def forward(
        self,
        x1: Float[Tensor, "*batch {self.in1_features}"],
        x2: Float[Tensor, "*batch {self.in2_features}"],
    ) -> Float[Tensor, "*batch {self.out_features}"]:
        return F.bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{self.in1_features}, {self.in2_features}, {self.out_features}"


def new_parameter(*shape: int) -> Parameter:
    """A float32 parameter of zeros, to be initialised."""
    return Parameter(np.zeros(shape, np.float32))


def no_parameter(module: Module, name: str) -> None:
    """Note that `module` does without the parameter `name`."""
    module.register_parameter(name, None)


def init_fan_in(weight: Parameter, bias: Parameter | None) -> None:
    """Uniform in +-1/sqrt(fan_in), as torch.nn starts its affine and conv layers."""
    fan_in, _ = init.fans(weight)
    bound = 1 / sqrt(fan_in) if fan_in else 0.0
    init.uniform_(weight, -bound, bound)
    if bias is not None:
        init.uniform_(bias, -bound, bound)
