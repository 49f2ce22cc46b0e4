"""Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174)."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def recompute(module: nn.Module, *inputs: Tensor) -> Tensor:
    """Call `module`, keep only its inputs, and call it again in the backward pass.

    The gradients are the same. Batch norm would count each batch twice in its running
    statistics; the second call leaves them alone.
    """
    if not torch.is_grad_enabled():
        return module(*inputs)
    return checkpoint(
        module,
        *inputs,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), _statistics_frozen(module)),
    )


@contextmanager
def _statistics_frozen(module: nn.Module) -> Iterator[None]:
    tracking = [m for m in module.modules() if getattr(m, "track_running_stats", False)]
    for norm in tracking:
        # In training, a batch norm without tracking divides by the batch's statistics
        # as before, but counts nothing. In evaluation it needs the tracked ones.
        norm.track_running_stats = not norm.training
    try:
        yield
    finally:
        for norm in tracking:
            norm.track_running_stats = True
