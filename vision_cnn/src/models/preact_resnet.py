"""Pre-activation residual networks (He, Zhang, Ren & Sun 2016, arXiv 1603.05027).

Normalisation and ReLU come before each convolution, so that a shortcut is an identity
from the first block to the last (figure 4e). After the last block follow one more
normalisation and ReLU (appendix), which some well-known copies lack. Departure: the
first shortcut carries the stem as it is, where the paper's is activated too.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .blocks import scale_width
from .classifier import Classifier
from .initialise import initialise_relu


class PreActResNet(Classifier):
    """A stage for each entry of `depths`; each further one has half the sides.

    `stem_width` channels before the first stage, `base` in it, twice as many in each
    further one.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        depths: Sequence[int],
        base: int = 64,
        stem_width: int = 64,
        width: float = 1.0,
        dropout: float = 0.0,
    ):
        super().__init__(in_channels, classes)
        cin = scale_width(stem_width, width)
        self.stem = nn.Conv2d(in_channels, cin, 3, padding=1, bias=False)
        self.stages = nn.Sequential()
        for stage, depth in enumerate(depths):
            cout, blocks = scale_width(base * 2**stage, width), []
            for i in range(depth):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(PreActBlock(cin, cout, stride=stride, dropout=dropout))
                cin = cout
            self.stages.append(nn.Sequential(*blocks))
        self.norm = nn.BatchNorm2d(cin)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(cin, classes)
        initialise_relu(self)

    def _embed(self, image: Tensor) -> Tensor:
        x = self.stages(self.stem(image))
        return self.relu(self.norm(x)).mean((2, 3))


class PreActBlock(nn.Module):
    """x + F(x) (eq. 3), F(x) = conv(relu(norm(conv(relu(norm(x)))))).

    Where the shape changes, the shortcut is a 1x1 convolution of the activated input.
    """

    def __init__(self, cin: int, cout: int, *, stride: int = 1, dropout: float = 0.0):
        super().__init__()
        self.cin, self.cout, self.stride = cin, cout, stride
        self.norm1 = nn.BatchNorm2d(cin)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(cout)
        self.relu2 = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(cout, cout, 3, padding=1, bias=False)
        self.project = None
        if stride != 1 or cin != cout:
            self.project = nn.Conv2d(cin, cout, 1, stride, bias=False)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.cin} height width"]
    ) -> Float[
        Tensor,
        "batch {self.cout} (height-1)//{self.stride}+1 (width-1)//{self.stride}+1",
    ]:
        """Add to the shortcut what the two convolutions have learned."""
        activated = self.relu1(self.norm1(x))
        shortcut = x if self.project is None else self.project(activated)
        hidden = self.dropout(self.relu2(self.norm2(self.conv1(activated))))
        return shortcut + self.conv2(hidden)
