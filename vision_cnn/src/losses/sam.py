"""Sharpness-aware minimisation (Foret et al. 2021, arXiv 2010.01412, eq. 3) as a loss.

SAM steps along the gradient g(w + e) that it finds a distance rho uphill, at
e = rho g(w) / |g(w)|. Here w + e is a function of w whose e is constant, so the usual
backward pass leaves g(w + e) in `p.grad`: no optimiser and no trainer knows of it. A
step costs two forward and two backward passes.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from ..utils.contracts import contract
from ..utils.seed import rng_state, set_rng_state


UPSCALE = 1024.0
"""Of the loss that is climbed: float16 gradients stay above 0, and g / |g| the same."""


@contract
def sharpness_aware_loss(
    net: nn.Module, compute_loss: Callable[[Callable], Tensor], rho: float
) -> Float[Tensor, ""]:
    """`compute_loss(net at w + e)`, to be differentiated by w.

    `compute_loss` calls what it is given as it would call the network. Both passes drop
    the same units (each starts from the same random state). Batch statistics are
    gathered in the first pass only, at the weights that are kept. Each process of a
    DistributedDataParallel `net` climbs the loss of its own share (m-sharpness, section
    4.1), each batch of an accumulated step its own; the gradients are then averaged.
    """
    is_parallel = isinstance(net, nn.parallel.DistributedDataParallel)
    # Not through the wrapper: it would wait for a backward pass that never comes.
    model = net.module if is_parallel else net
    names, weights = zip(
        *((n, p) for n, p in model.named_parameters() if p.requires_grad), strict=True
    )
    device = weights[0].device
    before = rng_state(device)
    with torch.enable_grad():
        loss = UPSCALE * compute_loss(model)
    set_rng_state(before, device)
    steps = _climb(loss, weights, rho)
    place = {n: w + e for n, w, e in zip(names, weights, steps, strict=True)}
    # What the second pass writes into buffers is dropped with these copies.
    place |= {name: buffer.clone() for name, buffer in model.named_buffers()}
    if is_parallel:
        place = {f"module.{name}": tensor for name, tensor in place.items()}
    return compute_loss(lambda *images: functional_call(net, place, images))


def _climb(loss: Tensor, weights: tuple[Tensor, ...], rho: float) -> list[Tensor]:
    """The step e of each weight, together of length rho.

    None where the loss is flat, or where float16 was too small for its gradient.
    """
    with torch.autocast(loss.device.type, enabled=False):
        gradients = torch.autograd.grad(loss, weights, materialize_grads=True)
    norm = nn.utils.get_total_norm(gradients)
    usable = norm.isfinite() & (norm > 0)
    return [torch.where(usable, rho / norm * g, 0.0).to(g.dtype) for g in gradients]
