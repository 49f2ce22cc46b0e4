"""How parameters start. Each function fills a tensor in place and returns it."""

from math import sqrt

import numpy as np

from ..engine.backend import to_device
from ..engine.random import generator
from ..engine.tensor import Tensor


GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": sqrt(2.0),
    "selu": 3 / 4,
}


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Uniform in [a, b)."""
    return _fill(tensor, generator().uniform(a, b, tensor.shape))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal with the given mean and standard deviation."""
    return _fill(tensor, generator().normal(mean, std, tensor.shape))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
) -> Tensor:
    """Normal values, drawn again while they are outside of [a, b]."""
    values = generator().normal(mean, std, tensor.shape)
    outside = (values < a) | (values > b)
    while outside.any():
        values[outside] = generator().normal(mean, std, int(outside.sum()))
        outside = (values < a) | (values > b)
    return _fill(tensor, values)


def constant_(tensor: Tensor, value: float) -> Tensor:
    """`value` everywhere."""
    return _fill(tensor, np.full(tensor.shape, value))


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere."""
    return constant_(tensor, 1.0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, as far as the shape goes."""
    return _fill(tensor, np.eye(*tensor.shape))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Variance 2 gain^2 / (fan_in + fan_out) (Glorot & Bengio 2010, eq. 16)."""
    bound = gain * sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Variance 2 gain^2 / (fan_in + fan_out) (Glorot & Bengio 2010)."""
    return normal_(tensor, 0.0, gain * sqrt(2 / sum(fans(tensor))))


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, nonlinearity: str = "leaky_relu"
) -> Tensor:
    """Variance gain^2 / fan_in (He et al. 2015, eq. 10); `a` the slope below 0."""
    bound = calculate_gain(nonlinearity, a) * sqrt(3 / fans(tensor)[0])
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, nonlinearity: str = "leaky_relu"
) -> Tensor:
    """Variance gain^2 / fan_in (He et al. 2015, eq. 10)."""
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / sqrt(fans(tensor)[0]))


def orthogonal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Rows (or columns) at right angles, all of length `gain` (Saxe et al. 2014)."""
    rows, columns = tensor.shape[0], int(np.prod(tensor.shape[1:]))
    values = generator().normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(values)
    q = q * np.sign(np.diag(r))  # otherwise not uniform over all rotations
    return _fill(tensor, gain * (q.T if rows < columns else q).reshape(tensor.shape))


def calculate_gain(nonlinearity: str, a: float = 0.01) -> float:
    """The factor that keeps the variance through `nonlinearity`."""
    if nonlinearity == "leaky_relu":
        return sqrt(2 / (1 + a * a))
    if nonlinearity not in GAINS:
        known = ", ".join([*GAINS, "leaky_relu"])
        raise ValueError(f"no gain for {nonlinearity!r}; known are {known}")
    return GAINS[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """Inputs and outputs of one unit of a weight (out, in, *kernel)."""
    if tensor.ndim < 2:
        raise ValueError(f"a tensor of shape {tensor.shape} has no fan in and fan out")
    field = int(np.prod(tensor.shape[2:]))
    return tensor.shape[1] * field, tensor.shape[0] * field


def _fill(tensor: Tensor, values: np.ndarray) -> Tensor:
    tensor.data[...] = to_device(values, tensor.device)
    tensor.mark_written("init")
    return tensor
