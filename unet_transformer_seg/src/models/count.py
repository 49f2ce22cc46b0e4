"""How large a model is, and how much it computes."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ..utils.contracts import contract


def count_parameters(model: nn.Module) -> int:
    """Count the trainable numbers of `model`."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@contract
def count_macs(
    model: nn.Module, image: Float[Tensor, "batch channel height width"]
) -> int:
    """Count the multiply-adds of one forward pass over the whole batch.

    Convolutions, linear layers and the two products of attention; norms, activations,
    interpolation and padding are left out, as is usual.
    """
    counter = FlopCounterMode(display=False)
    training = model.training
    model.eval()
    try:
        # The counter does not know the fused attention of CPUs, and without gradients
        # its hooks fail on a view of a parameter.
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH), counter:
            model(image)
    finally:
        model.train(training)
    return counter.get_total_flops() // 2


def describe(model: nn.Module, channels: int, height: int, width: int) -> str:
    """Say both counts in one line, for one image of this size."""
    device = next(model.parameters()).device
    macs = count_macs(model, torch.zeros(1, channels, height, width, device=device))
    return (
        f"{count_parameters(model):,} parameters, "
        f"{macs / 1e9:.2f} GMAC at {channels} x {height} x {width}"
    )
