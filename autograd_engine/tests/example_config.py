"""A configuration with every kind of field, for the tests of the loader."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Data:
    path: str = "data"
    cache: str = "cache"
    skip: tuple[int, ...] = ()
    batch_size: int = 8
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Optim:
    name: Literal["adamw", "sgd"] = "adamw"
    lr: float = 1e-3
    clip: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)

    def __post_init__(self):
        for name in ("lr", "clip"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} = {getattr(self, name)}: must be > 0")


@dataclass(frozen=True, slots=True)
class Config:
    seed: int = 0
    debug: bool = False
    data: Data = field(default_factory=Data)
    optim: Optim = field(default_factory=Optim)
    loss: dict[str, float] = field(default_factory=dict)
