# pattern: training/optim.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/optim.py --from <sub-project>
"""Optimisers of PyTorch and learning-rate schedules as plain functions of the step."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn


@dataclass(frozen=True, slots=True)
class OptimConfig:
    # local: begin
    name: Literal["adamw", "sgd"] = "adamw"
    # local: end
    lr: float = 1e-3
    """Peak learning rate."""
    weight_decay: float = 0.01
    """Applied to matrices and kernels, not to biases and norms."""
    momentum: float = 0.9
    """Nesterov momentum of sgd."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Of adamw."""
    schedule: Literal["constant", "cosine", "linear", "poly", "one_cycle", "noam"] = (
        "cosine"
    )
    warmup: float = 0.05
    """Share of all steps in which the rate rises linearly, 0 to 1."""
    floor: float = 0.0
    """Share of `lr` at which cosine and linear end."""
    clip: float = 1.0
    """Largest gradient norm; 0 does not clip."""

    def __post_init__(self):
        for name, low, high in [
            ("lr", 0, math.inf), ("weight_decay", 0, math.inf), ("momentum", 0, 1),
            ("warmup", 0, 1), ("floor", 0, 1), ("clip", 0, math.inf),
        ]:  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high or (name == "lr" and value == 0):
                above = "> 0" if name == "lr" else f"between {low} and {high}"
                raise ValueError(f"{name} = {value}: must be {above}")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas = {self.betas}: each must be in [0, 1)")


def build_optimizer(config: OptimConfig, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser, with weight decay on tensors of two and more axes only."""
    # local: begin
    # local: end
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {
            "params": [p for p in parameters if p.ndim >= 2],
            "weight_decay": config.weight_decay,
        },
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    fused = parameters[0].device.type in ("cpu", "cuda")
    if config.name == "sgd":
        nesterov = config.momentum > 0
        return torch.optim.SGD(
            groups, config.lr, config.momentum, nesterov=nesterov, fused=fused
        )
    return torch.optim.AdamW(groups, config.lr, config.betas, fused=fused)


def lr_at(config: OptimConfig, step: int, total: int) -> float:
    """Learning rate of step `step` of `total`, both counted from 0.

    t runs from 0 to 1 after the warm-up; cosine: lr (1 + cos(pi t)) / 2,
    linear: lr (1 - t), both ending at the share `floor`; poly: lr (1 - t)^0.9;
    noam: lr sqrt(w / s) after w steps of warm-up (Vaswani et al. 2017, section 5.3).
    one_cycle: cosine from lr/25 up to lr over 30 % of the steps, then down to lr/1e4
    (Smith & Topin 2018).
    """
    if config.schedule == "one_cycle":
        rise = 0.3 * total
        if step < rise:
            return _cosine(config.lr / 25, config.lr, step / rise)
        return _cosine(config.lr, config.lr / 1e4, (step - rise) / (total - rise))
    warm = config.warmup * total
    if step < warm:
        return config.lr * (step + 1) / (warm + 1)
    t = (step - warm) / max(total - warm, 1)
    if config.schedule == "cosine":
        return _cosine(config.lr, config.floor * config.lr, t)
    if config.schedule == "linear":
        return config.lr * (config.floor + (1 - config.floor) * max(1 - t, 0.0))
    if config.schedule == "poly":
        return config.lr * max(1 - t, 0.0) ** 0.9
    if config.schedule == "noam":
        return config.lr * ((warm + 1) / (step + 1)) ** 0.5
    return config.lr


def _cosine(start: float, end: float, t: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(t, 1.0))) / 2
