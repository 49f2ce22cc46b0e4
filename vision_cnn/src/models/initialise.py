"""The weights before training, by the schemes that the networks' papers use."""

import math

from torch import nn


def initialise_relu(model: nn.Module) -> None:
    """Convolutions N(0, 2/n), n outputs that a pixel reaches (He et al. 2015, eq. 14).

    That keeps the variance of gradients where a ReLU follows. Linear layers are
    N(0, 0.01^2) (Goyal et al. 2017, section 5.1), biases 0.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            # Each group is a convolution of its own; torch's own fan-out forgets that.
            reached = module.weight[:, 0].numel() / module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2 / reached))
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def initialise_lecun(model: nn.Module) -> None:
    """All weights N(0, 1/n), n inputs of a unit; biases 0.

    With 1.7159 tanh(2a/3) that keeps the variance near one (LeCun, Bottou, Orr & Müller
    1998, Efficient BackProp, section 4.6).
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            inputs = module.weight[0].numel()
            nn.init.normal_(module.weight, std=inputs**-0.5)
            nn.init.zeros_(module.bias)


def initialise_truncated(model: nn.Module) -> None:
    """All weights N(0, 0.02^2), none beyond two deviations; biases 0.

    As in ConvNeXt (appendix A.1) and DeiT (Touvron et al. 2020, section 6).
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04)
            nn.init.zeros_(module.bias)
