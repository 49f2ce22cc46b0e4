# pattern: training/ema.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/ema.py --from <sub-project>
"""Exponential moving average of a model's weights (Polyak & Juditsky 1992)."""

import copy

import torch
from torch import nn


class EMA:
    """Holds `model` = d model + (1 - d) weights, d = min(decay, (1 + t) / (10 + t)).

    The average starts short, so that it forgets the random weights of step 0.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        new = model.state_dict()
        for name, old in self.model.state_dict().items():
            if old.is_floating_point():
                old.lerp_(new[name], 1 - decay)
            else:
                old.copy_(new[name])
