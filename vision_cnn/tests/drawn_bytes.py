"""Random images of bytes and whole numbers, the same each time."""

import torch
from torch import Tensor


def random_bytes(*shape: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)


def random_images(*shape: int, seed: int = 0) -> Tensor:
    """In [0, 1], whole 255ths."""
    return random_bytes(*shape, seed=seed).float() / 255


def integers(n: int, below: int, seed: int = 1) -> Tensor:
    return torch.randint(0, below, (n,), generator=torch.Generator().manual_seed(seed))
