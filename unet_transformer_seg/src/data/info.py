"""What a model must know of its training data; it travels in the checkpoint."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract
from ..utils.ignore import IGNORE_INDEX


__all__ = ["IGNORE_INDEX", "DataInfo"]


@dataclass(frozen=True, slots=True)
class DataInfo:
    in_channels: int
    """1 grey, 3 RGB."""
    class_names: tuple[str, ...]
    """One name a class; class 0 is the background."""
    mask_values: tuple[tuple[int, ...], ...]
    """What class c looks like in a mask file: `(v,)` grey or `(r, g, b)`."""
    ignore_value: tuple[int, ...] | None
    """The mask value that means 'do not count this pixel'."""
    mean: tuple[float, ...]
    """Per channel, of images scaled to [0, 1]."""
    std: tuple[float, ...]
    class_pixels: tuple[int, ...]
    """Training pixels of each class, for class weights."""
    fingerprint: str
    """sha256 over the sorted list of the data's files, or of the toy's parameters."""

    @contract
    def normalise(
        self, image: Float[Tensor, "*batch channel height width"]
    ) -> Float[Tensor, "*batch channel height width"]:
        """What the model sees of an image in [0, 1]: (image - mean) / std."""
        mean, std = self._moments(image)
        return (image - mean) / std

    @contract
    def restore(
        self, image: Float[Tensor, "*batch channel height width"]
    ) -> Float[Tensor, "*batch channel height width"]:
        """Undo `normalise`."""
        mean, std = self._moments(image)
        return image * std + mean

    def _moments(self, image: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = (
            torch.tensor(v, device=image.device) for v in (self.mean, self.std)
        )
        return mean[:, None, None], std[:, None, None]
