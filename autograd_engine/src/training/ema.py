"""Exponential moving average of a model's weights (Polyak & Juditsky 1992)."""

import copy

from .. import nn


class EMA:
    """Holds `model` = d model + (1 - d) weights, d = min(decay, (1 + t) / (10 + t)).

    The average starts short, so that it forgets the random weights of step 0.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay

    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        new = dict([*model.named_parameters(), *model.named_buffers()])
        old = dict([*self.model.named_parameters(), *self.model.named_buffers()])
        for name, tensor in old.items():
            if tensor.is_floating_point():
                tensor.data += (1 - decay) * (new[name].data - tensor.data)
            else:
                tensor.data[...] = new[name].data
