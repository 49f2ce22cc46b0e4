"""VGG (Simonyan & Zisserman 2014, arXiv 1409.1556, table 1, columns A and D).

Only 3x3 convolutions, five stages with a maximum after each: 11 or 16 layers with
weights. Departures: batch normalisation, without which the deep one hardly trains; and
by default one linear layer instead of three, whose 120 million parameters are of no use
for small images. `hidden=4096, dropout=0.5` gives the paper's three.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import ConvNorm, scale_width
from .classifier import Classifier
from .initialise import initialise_relu


WIDTHS = (64, 128, 256, 512, 512)


class VGG(Classifier):
    """`depths` counts the convolutions of each stage.

    With `hidden` units, two linear layers of that many precede the head and see 7 x 7
    cells of the last feature map, else the head sees its mean.
    """

    least_side = 32

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        depths: Sequence[int],
        hidden: int = 0,
        width: float = 1.0,
        dropout: float = 0.0,
    ):
        super().__init__(in_channels, classes)
        self.stages = nn.Sequential()
        cin = in_channels
        for channels, depth in zip(WIDTHS, depths, strict=True):
            cout = scale_width(channels, width)
            for _ in range(depth):
                # The biases are the paper's; the normalisation makes them redundant.
                relu = nn.ReLU(inplace=True)
                self.stages.append(ConvNorm(cin, cout, bias=True, activation=relu))
                cin = cout
            self.stages.append(nn.MaxPool2d(2))
        self.cells = 7 if hidden else 1
        self.dense = nn.Sequential()
        features = cin * self.cells**2
        for _ in range(2 if hidden else 0):
            layer = nn.Linear(features, hidden)
            self.dense.extend([layer, nn.ReLU(inplace=True), nn.Dropout(dropout)])
            features = hidden
        self.head = nn.Linear(features, classes)
        initialise_relu(self)

    def _embed(self, image: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(self.stages(image), self.cells)
        return self.dense(x.flatten(1))
