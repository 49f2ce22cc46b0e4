"""What a model must know of its training data; it travels in the checkpoint."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


@dataclass(frozen=True, slots=True)
class DataInfo:
    in_channels: int
    """1 grey, 3 RGB."""
    height: int
    width: int
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    """Per channel, of the training images scaled to [0, 1]."""
    std: tuple[float, ...]
    class_counts: tuple[int, ...]
    """Training images of each class."""
    fingerprint: str
    """sha256 over what the data's files are, or of the toy's parameters."""

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
            torch.tensor(v, device=image.device, dtype=image.dtype)
            for v in (self.mean, self.std)
        )
        return mean[:, None, None], std[:, None, None]
