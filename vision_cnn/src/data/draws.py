"""Random numbers that belong to (seed, epoch, name, image).

An image meets the same draw whichever batch, worker or rank asks for it: each epoch has
one table per name, whose i-th entry is that of image i.
"""

import math
import zlib
from functools import lru_cache

import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from ..utils.contracts import contract
from ..utils.seed import keyed_rng


class Draws:
    """The draws of one epoch for the images of a batch; a name is an independent draw.

    `indices` are numbers of images below `n`.
    """

    def __init__(self, seed: int, epoch: int, n: int, indices: Int[Tensor, " batch"]):
        self.key, self.n, self.indices = (seed, epoch), n, indices
        self.batch = len(indices)

    @contract
    def uniform(
        self, name: str, low: float = 0.0, high: float = 1.0
    ) -> Float64[Tensor, " {self.batch}"]:
        """Even in [low, high)."""
        return low + (high - low) * table(*self.key, self.n, name)[self.indices]

    @contract
    def integers(self, name: str, count: int) -> Int[Tensor, " {self.batch}"]:
        """Even in 0 .. count - 1."""
        return self.uniform(name, 0, count).long()

    @contract
    def chance(
        self, name: str, probability: float = 0.5
    ) -> Bool[Tensor, " {self.batch}"]:
        """True with this probability."""
        return self.uniform(name) < probability

    @contract
    def factor(self, name: str, strength: float) -> Float64[Tensor, " {self.batch}"]:
        """Between 1 / (1 + strength) and 1 + strength, as often below 1 as above."""
        edge = math.log1p(strength)
        return self.uniform(name, -edge, edge).exp()

    @contract
    def beta(self, name: str, alpha: float) -> Float64[Tensor, " {self.batch}"]:
        """From Beta(alpha, alpha)."""
        return table(*self.key, self.n, name, alpha)[self.indices]


@lru_cache(maxsize=32)
def table(
    seed: int, epoch: int, n: int, name: str, alpha: float = 0.0
) -> Float64[Tensor, " images"]:
    """A number for each of `n` images, even in [0, 1) or, with `alpha`, from Beta.

    Not to be written to.
    """
    rng = keyed_rng(seed, epoch, zlib.crc32(name.encode()))
    return torch.from_numpy(rng.beta(alpha, alpha, n) if alpha else rng.random(n))
