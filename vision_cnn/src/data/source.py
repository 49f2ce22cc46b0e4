"""What every format of images gives: the parts it has, by name."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from jaxtyping import Int, UInt8
from torch import Tensor


class Images(Protocol):
    """A tensor of all images, a memory-mapped file, or patterns drawn on demand."""

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

    def choose(self, indices: Int[Tensor, " batch"]) -> "Labelled":
        """Some of them, in this order."""
        return Labelled(
            _Chosen(self.images, indices),
            self.labels[indices],
            _Named(self.names, indices),
        )


class Source(NamedTuple):
    parts: dict[str, Labelled]
    """"train", and "val" and "test" where the files have them."""
    class_names: tuple[str, ...]
    fingerprint: str
    """sha256 over what the files are."""


class _Chosen:
    """Images by their place in a list of indices: nothing is copied."""

    def __init__(self, images: Images, indices: Tensor):
        self.images, self.indices = images, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, places: Tensor) -> Tensor:
        indices = self.indices[places]
        if isinstance(self.images, Tensor):  # five times as fast as images[indices]
            return self.images.index_select(0, indices)
        return self.images[indices]


class _Named(Sequence):
    def __init__(self, names: Sequence[str], indices: Tensor):
        self.names, self.indices = names, indices.tolist()

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> str:
        return self.names[self.indices[place]]
