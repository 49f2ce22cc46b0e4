"""Mel-frequency cepstra, equal to Kaldi's (feat/feature-mfcc.cc)."""

import math
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


LIFTER = 22.0


@contract
def cepstra(
    log_mels: Float[Tensor, "frames mels"], n_ceps: int = 13, lifter: float = LIFTER
) -> Float[Tensor, "frames {n_ceps}"]:
    """The first `n_ceps` of the orthonormal DCT-II, times 1 + L/2 sin(pi k / L).

    Number 0 is the loudness (Kaldi's use_energy=False). `lifter` 0 leaves them as is.
    """
    if not 1 <= n_ceps <= log_mels.shape[1]:
        raise ValueError(f"n_ceps {n_ceps} must be 1 to {log_mels.shape[1]}, the mels")
    return log_mels @ _matrix(log_mels.shape[1], n_ceps, lifter, log_mels.dtype)


@lru_cache(maxsize=32)
@torch.inference_mode(False)  # so that a later gradient may pass through it
def _matrix(n_mels: int, n_ceps: int, lifter: float, dtype: torch.dtype) -> Tensor:
    k = torch.arange(n_ceps, dtype=torch.float64)
    n = torch.arange(n_mels, dtype=torch.float64)[:, None]
    dct = math.sqrt(2 / n_mels) * torch.cos(math.pi / n_mels * (n + 0.5) * k)
    dct[:, 0] = math.sqrt(1 / n_mels)
    if lifter:
        dct *= 1 + lifter / 2 * torch.sin(math.pi * k / lifter)
    return dct.to(dtype)
