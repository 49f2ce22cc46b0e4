"""What every format of images gives: the parts it has, by name."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from jaxtyping import Int, UInt8
from torch import Tensor


class Images(Protocol):
    """A tensor of all images, a memory-mapped file of them, or patterns drawn on demand."""

    def __len__(self) -> int: ...

    def __getitem__(
        self, indices: Int[Tensor, " batch"]
    ) -> UInt8[Tensor, "batch channel height width"]: ...


class Labelled(NamedTuple):
    images: Images
    labels: Tensor
    """int64, one class an image."""
    names: Sequence[str]
    """Where a person finds each image, as `train/cat/0001.jpg`."""


class Source(NamedTuple):
    parts: dict[str, Labelled]
    """"train", and "val" and "test" where the files have them."""
    class_names: tuple[str, ...]
    fingerprint: str
    """sha256 over what the files are."""
