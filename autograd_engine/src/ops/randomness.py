"""Random tensors, drawn from the generator that `manual_seed` starts."""

from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import check_dtype, int64
from ..engine.grad_mode import no_grad
from ..engine.random import generator
from ..engine.tensor import Tensor
from .creation import float_or, leaf, shape_of


def rand(
    *size: int, dtype: Any = None, device: str = "cpu", requires_grad: bool = False
) -> Tensor:
    """Uniform on [0, 1)."""
    return leaf(_uniform(shape_of(size), float_or(dtype)), device, requires_grad)


def randn(
    *size: int, dtype: Any = None, device: str = "cpu", requires_grad: bool = False
) -> Tensor:
    """Normal with mean 0 and standard deviation 1."""
    return leaf(_normal(shape_of(size), float_or(dtype)), device, requires_grad)


def randint(
    low: int,
    high: int | tuple | None = None,
    size: tuple[int, ...] | None = None,
    *,
    dtype: Any = None,
    device: str = "cpu",
    requires_grad: bool = False,
) -> Tensor:
    """Integers from `low` (0) to below `high`: `randint(10, (3,))` has no `low`."""
    if size is None:
        low, high, size = 0, low, high
    if not isinstance(size, (tuple, list)) or high is None:
        raise TypeError("randint: randint(high, size) or randint(low, high, size)")
    if high <= low:
        raise RuntimeError(f"randint: from {low} to below {high} there is no integer")
    dtype = int64 if dtype is None else check_dtype(dtype)
    values = generator().integers(low, high, shape_of((size,)))
    return leaf(np.asarray(values).astype(dtype), device, requires_grad)


def randperm(n: int, *, dtype: Any = None, device: str = "cpu") -> Tensor:
    """The numbers below n in random order."""
    dtype = int64 if dtype is None else check_dtype(dtype)
    return leaf(generator().permutation(n).astype(dtype), device, False)


def rand_like(x: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1) in the shape and dtype of `x`."""
    return _like(x, _uniform, dtype, requires_grad)


def randn_like(x: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal in the shape and dtype of `x`."""
    return _like(x, _normal, dtype, requires_grad)


def randint_like(
    x: Tensor, low: int, high: int | None = None, *, dtype: Any = None
) -> Tensor:
    """Integers from `low` (0) to below `high` in the shape and dtype of `x`."""
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, x.shape, dtype=x.dtype if dtype is None else dtype)


def bernoulli(x: Tensor, p: float | None = None) -> Tensor:
    """1 with the probability that `x` states (or `p`), else 0; the gradient is 0."""
    odds = x.data if p is None else _numbers(x, np.asarray(p))
    if p is None and x.dtype.kind != "f":
        raise NotImplementedError(f"bernoulli wants probabilities, not {x.dtype}")
    if not ((odds >= 0) & (odds <= 1)).all():
        raise RuntimeError("bernoulli: a probability is outside of [0, 1]")
    drawn = Tensor((_numbers(x, generator().random(x.shape)) < odds).astype(x.dtype))
    return x * 0 + drawn if x.requires_grad else drawn


def normal(
    mean: Tensor | float = 0.0,
    std: Tensor | float = 1.0,
    size: tuple[int, ...] | None = None,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal with the given mean and standard deviation, which may be tensors."""
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        if size is not None:
            raise TypeError("normal: size belongs to a mean and std that are numbers")
        with no_grad():
            shape = (mean + std * 0).shape
        like = mean if isinstance(mean, Tensor) else std
        drawn = Tensor(_numbers(like, _normal(shape, like.dtype)))
        _not_negative(std.data if isinstance(std, Tensor) else std)
        return mean + std * drawn if dtype is None else (mean + std * drawn).to(dtype)
    _not_negative(std)
    drawn = _normal(shape_of((() if size is None else size,)), float_or(dtype))
    return leaf(np.asarray(drawn * std + mean), "cpu", requires_grad)


def multinomial(x: Tensor, num_samples: int, replacement: bool = False) -> Tensor:
    """Indices drawn by the weights in each row of `x`."""
    rows = np.atleast_2d(np.asarray(x.detach().numpy(), np.float64))
    total = rows.sum(-1, keepdims=True)
    if x.ndim not in (1, 2) or (rows < 0).any() or not (total > 0).all():
        raise RuntimeError(
            "multinomial wants rows of weights that are not negative and not all 0"
        )
    possible = (rows > 0).sum(-1).min()
    if num_samples < 1 or (not replacement and num_samples > possible):
        raise RuntimeError(
            f"multinomial: {num_samples} samples from {possible} possible ones"
        )
    out = _drawn(rows / total, num_samples, replacement)
    return Tensor(out if x.ndim == 2 else out[0])


def _drawn(odds: np.ndarray, samples: int, replacement: bool) -> np.ndarray:
    if replacement:
        steps = np.cumsum(odds, -1)
        steps[:, -1] = np.inf  # rounding must not leave a gap at the end
        last = odds.shape[1] - 1 - (odds[:, ::-1] > 0).argmax(-1)
        points = generator().random((len(odds), samples))
        found = [
            np.searchsorted(s, p, "right") for s, p in zip(steps, points, strict=True)
        ]
        return np.minimum(np.stack(found), last[:, None]).astype(np.int64)
    # The largest of weight / exponential: draws without replacement (Efraimidis 2006).
    keys = odds / generator().standard_exponential(odds.shape)
    return np.argsort(-keys, -1, kind="stable")[:, :samples].astype(np.int64)


def _like(x: Tensor, draw: Any, dtype: Any, requires_grad: bool) -> Tensor:
    dtype = x.dtype if dtype is None else check_dtype(dtype)
    return Tensor(_numbers(x, draw(x.shape, dtype)), requires_grad=requires_grad)


def _numbers(x: Tensor, array: np.ndarray) -> Any:
    """`array` where `x` lives."""
    return array_module(x.data).asarray(array)


def _uniform(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return _draw("random", shape, dtype)


def _normal(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return _draw("standard_normal", shape, dtype)


def _draw(kind: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    if dtype.kind != "f":
        raise NotImplementedError(
            f"random numbers of dtype {dtype}: give a float dtype"
        )
    wide = dtype if dtype.itemsize > 2 else np.dtype(np.float32)
    out = np.asarray(getattr(generator(), kind)(shape, wide)).astype(dtype, copy=False)
    return np.minimum(out, 1 - 2.0**-11) if kind == "random" and wide != dtype else out


def _not_negative(std: Any) -> None:
    if (std < 0).any() if hasattr(std, "any") else std < 0:
        raise RuntimeError("normal: a standard deviation is negative")
