# pattern: training/batch_norm.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/batch_norm.py --from <sub-project>
"""Batch-norm statistics measured anew, for weights that did not see the old ones."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def fresh_statistics(model: nn.Module) -> Iterator[None]:
    """Inside, each batch counts equally in the statistics, which begin from nothing.

    An average of weights, or the last weights of a fast run, have activations of
    another scale than the running averages remember (Izmailov et al. 2018, 3.2). All
    other layers stay in evaluation mode.
    """
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    layers = [layer for layer in layers if layer.track_running_stats]
    momenta = [layer.momentum for layer in layers]
    model.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over batches
        layer.train()
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            layer.eval()
