"""Level 2: strided tensors with three backends (MiniTorch's modules 2 to 4)."""

from . import nn
from .autodiff import Context, Function
from .mlp import MLP
from .tensor import Tensor, tensor
from .tensor_data import TensorData
from .tensor_ops import TensorOps, get_backend


__all__ = [
    "MLP",
    "Context",
    "Function",
    "Tensor",
    "TensorData",
    "TensorOps",
    "get_backend",
    "nn",
    "tensor",
]
