"""The U-Net that one writes in ten minutes, for `benchmark_step.py` to compare with."""

import torch
from torch import Tensor, nn


def double_conv(cin: int, cout: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(inplace=True),
        nn.Conv2d(cout, cout, 3, padding=1, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(inplace=True),
    )


class PlainUNet(nn.Module):
    """Depth 4, batch norm, transposed convolutions; sides are multiples of 16."""

    def __init__(self, in_channels: int, classes: int, width: int):
        super().__init__()
        w = [width * 2**level for level in range(5)]
        self.down = nn.ModuleList(
            double_conv(cin, cout)
            for cin, cout in zip([in_channels, *w], w, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        levels = (3, 2, 1, 0)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(w[i + 1], w[i], 2, stride=2) for i in levels
        )
        self.conv = nn.ModuleList(double_conv(2 * w[i], w[i]) for i in levels)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for block in self.down[:-1]:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = self.down[-1](x)
        for up, conv in zip(self.up, self.conv, strict=True):
            x = conv(torch.cat([skips.pop(), up(x)], dim=1))
        return self.head(x)
