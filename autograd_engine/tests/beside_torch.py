"""One function that is written for both libraries, run by the engine and by torch."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

import src as ag
from tests.torch_compare import agree


def compare(
    fn: Callable, *arrays: np.ndarray, second: bool = True, parity: Any = None
) -> None:
    """`fn(lib, *tensors)` gives one tensor or several; float arrays get gradients."""
    both = partial(fn, ag), partial(fn, torch)
    agree(*both, list(arrays), second=second, parity=parity)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)
