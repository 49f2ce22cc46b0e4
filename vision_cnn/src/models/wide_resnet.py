"""Wide residual networks (Zagoruyko & Komodakis 2016, arXiv 1605.07146, table 1).

Few layers, many channels: three stages of pre-activation blocks, `widen` times as wide
as the thin network of He et al., with drop-out between the two convolutions of a block
(section 2.4). WRN-d-k has d = 6n + 4 layers, n blocks a stage, and k = `widen`.
"""

from .preact_resnet import PreActResNet


class WideResNet(PreActResNet):
    """`layers` is d of WRN-d-k, `widen` is k."""

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        layers: int,
        widen: int,
        width: float = 1.0,
        dropout: float = 0.0,
    ):
        if layers % 6 != 4:
            raise ValueError(f"layers is {layers}; WRN-d-k has 6n + 4 layers")
        super().__init__(
            in_channels,
            classes,
            depths=[(layers - 4) // 6] * 3,
            base=16 * widen,
            stem_width=16,
            width=width,
            dropout=dropout,
        )
