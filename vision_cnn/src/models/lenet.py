"""LeNet-5 (LeCun, Bottou, Bengio & Haffner 1998, section II.B and figure 2).

Layers C1 to F6 with the paper's sizes and its squashing function. Departures: C3 sees
all six maps (the paper: a hand-made table), S2 and S4 take plain means (the paper: with
a trained factor and offset), and the output is linear for cross-entropy (the paper:
radial basis functions towards drawn digits). 61,706 parameters for 32 x 32 grey pixels.
"""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .classifier import Classifier
from .initialise import initialise_lecun


class LeNet5(Classifier):
    """An image below 32 x 32 is set in the middle of such a field, as in the paper.

    In a larger one C5 is a convolution over several places; their mean goes on.
    """

    field = 32

    def __init__(self, in_channels: int, classes: int):
        super().__init__(in_channels, classes)
        self.c1 = nn.Conv2d(in_channels, 6, 5)
        self.s2 = nn.AvgPool2d(2)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.s4 = nn.AvgPool2d(2)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.head = nn.Linear(84, classes)
        initialise_lecun(self)

    def _embed(self, image: Tensor) -> Tensor:
        x = self.s2(squash(self.c1(self._centre(image))))
        x = self.s4(squash(self.c3(x)))
        x = squash(self.c5(x)).mean((2, 3))
        return squash(self.f6(x))

    def _centre(self, image: Tensor) -> Tensor:
        """The margin repeats the border, which is the background of a digit."""
        tall, wide = (max(0, self.field - side) for side in image.shape[-2:])
        if tall == wide == 0:
            return image
        sides = (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2)
        return F.pad(image, sides, mode="replicate")


@contract
def squash(a: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """1.7159 tanh(2a/3): maps 1 to 1 and has its bends there (eq. 6, appendix A)."""
    return 1.7159 * (2 / 3 * a).tanh()
