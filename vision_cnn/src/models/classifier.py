"""What every network here is: a description of the image, then one linear layer."""

from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract


class Classifier(nn.Module):
    """`embed` describes an image by a few numbers, the linear `head` judges them.

    A subclass defines `_embed`, and `least_side` or `side_multiple` if it cannot take
    every size.
    """

    head: nn.Linear
    least_side = 1
    side_multiple = 1

    def __init__(self, in_channels: int, classes: int):
        super().__init__()
        self.in_channels, self.classes = in_channels, classes

    @contract
    def forward(
        self, image: Float[Tensor, "batch {self.in_channels} height width"]
    ) -> Float[Tensor, "batch {self.classes}"]:
        """Give each class one logit. ValueError if a side does not fit."""
        return self.head(self.embed(image))

    @contract
    def embed(
        self, image: Float[Tensor, "batch {self.in_channels} height width"]
    ) -> Float[Tensor, "batch features"]:
        """Describe each image by the numbers that the head sees. Same ValueError."""
        self.check_size(image.shape[2], image.shape[3])
        return self._embed(image)

    def check_size(self, height: int, width: int) -> None:
        """Raise ValueError if the network cannot take an image of this size."""
        if min(height, width) < self.least_side:
            raise ValueError(
                f"image is {height} x {width}; "
                f"{type(self).__name__} needs sides of at least {self.least_side}"
            )
        if height % self.side_multiple or width % self.side_multiple:
            raise ValueError(
                f"image is {height} x {width}; {type(self).__name__} needs sides that "
                f"are multiples of {self.side_multiple}"
            )

    def _embed(self, image: Tensor) -> Tensor:
        raise NotImplementedError
