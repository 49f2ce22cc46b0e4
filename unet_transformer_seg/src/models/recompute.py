"""Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174)."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def recompute(module: nn.Module, *inputs: Tensor) -> Tensor:
    """Call `module`, keep only its inputs, and call it again in the backward pass.

    The gradients are the same. Batch norm would count each batch twice in its running
    statistics, so the second call leaves the buffers of `module` as it found them.
    """
    if not torch.is_grad_enabled():
        return module(*inputs)
    return checkpoint(
        module,
        *inputs,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), _buffers_kept(module)),
    )


@contextmanager
def _buffers_kept(module: nn.Module) -> Iterator[None]:
    kept = [(buffer, buffer.clone()) for buffer in module.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in kept:
                buffer.copy_(value)
