"""A convolutional network that one can read in a minute, after VGG and its successors.

Convolutions 3x3 (Simonyan & Zisserman 2014, arXiv 1409.1556), batch normalisation
(Ioffe & Szegedy 2015), global average pooling instead of large linear layers (Lin et
al. 2013, arXiv 1312.4400), He initialisation. With widths (32, 32, 64, 64, 128) it is
the network for MNIST: 140 thousand parameters.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from .blocks import ConvNorm
from .classifier import Classifier
from .initialise import initialise_relu


class SimpleCNN(Classifier):
    """One convolution for each entry of `widths`; where the width changes, a pooling.

    (32, 32, 64, 64) is two convolutions to 32 channels, a 2x2 maximum, two to 64.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        widths: Sequence[int] = (32, 32, 64, 64, 128, 128),
        dropout: float = 0.0,
    ):
        super().__init__(in_channels, classes)
        layers: list[nn.Module] = []
        cin = in_channels
        for cout in widths:
            if layers and cout != cin:
                layers.append(nn.MaxPool2d(2))
                self.least_side *= 2
            layers.append(ConvNorm(cin, cout, activation=nn.ReLU(inplace=True)))
            cin = cout
        self.stages = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(cin, classes)
        initialise_relu(self)

    def _embed(self, image: Tensor) -> Tensor:
        return self.dropout(self.stages(image).mean((2, 3)))
