"""Which optimiser, how fast, and its learning rate as a function of the step."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from .. import nn, optim
from ..optim import schedules


@dataclass(frozen=True, slots=True)
class OptimConfig:
    """Which optimiser, its settings, and the schedule of its rate."""

    name: Literal["sgd", "adam", "adamw", "rmsprop", "adagrad", "lion", "muon"] = (
        "adamw"
    )
    """muon moves the matrices inside the network; adamw moves the rest."""
    lr: float = 1e-3
    """Peak learning rate."""
    muon_lr: float = 0.02
    """muon: peak learning rate of the matrices."""
    weight_decay: float = 0.01
    """Decoupled for adamw, lion and muon; added to the gradient for the others."""
    decay_vectors: bool = False
    """Whether biases, norms and other vectors decay too."""
    momentum: float = 0.9
    """sgd: Nesterov momentum."""
    betas: tuple[float, float] = (0.9, 0.999)
    """adam, adamw, muon's adamw, lion."""
    schedule: Literal["constant", "cosine", "one_cycle", "step"] = "cosine"
    warmup: float = 0.05
    """Share of all steps in which the rate rises linearly; one_cycle has its own."""
    final: float = 0.0
    """cosine: where it ends, as a share of lr."""
    drop_every: float = 0.4
    """step: the rate falls to a tenth after each such share of the steps."""
    clip: float = 1.0
    """Largest gradient norm; 0 does not clip."""

    def __post_init__(self) -> None:
        for name, low, high in [
            ("lr", 0, math.inf), ("muon_lr", 0, math.inf), ("clip", 0, math.inf),
            ("weight_decay", 0, math.inf), ("momentum", 0, 1), ("warmup", 0, 1),
            ("final", 0, 1), ("drop_every", 0, 1),
        ]:  # fmt: skip
            value, open_below = getattr(self, name), name in _ABOVE_ZERO
            if not low <= value <= high or (open_below and value == 0):
                above = "> 0" if open_below else f"between {low} and {high}"
                raise ValueError(f"{name} = {value}: must be {above}")
        if self.momentum == 1:
            raise ValueError("momentum = 1: must be less than 1")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas = {self.betas}: each must be in [0, 1)")


_ABOVE_ZERO = ("lr", "muon_lr", "drop_every")


class Together:
    """Several optimisers that step as one; with one, that one."""

    def __init__(self, *parts: optim.Optimizer) -> None:
        self.parts = parts
        for group in self.param_groups:
            group["initial_lr"] = group["lr"]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for part in self.parts for group in part.param_groups]

    def set_rate(self, factor: float) -> None:
        """Let every group have `factor` times its own peak rate."""
        for group in self.param_groups:
            group["lr"] = group["initial_lr"] * factor

    def step(self) -> None:
        for part in self.parts:
            part.step()

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        for part, state in zip(self.parts, saved["parts"], strict=True):
            part.load_state_dict(state)


def build_optimizer(config: OptimConfig, model: nn.Module) -> Together:
    """The optimiser, with weight decay on tensors of two and more axes."""
    params = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    if config.name != "muon":
        return Together(_one(config, _groups(config, [p for _, p in params])))
    inner = _inner_matrices(model)
    matrices = [p for name, p in params if name in inner]
    rest = [p for name, p in params if name not in inner]
    decay = config.weight_decay
    muon = [optim.Muon(matrices, config.muon_lr, decay)] if matrices else []
    others = [_one(config, _groups(config, rest))] if rest else []
    return Together(*muon, *others)


def factor_at(config: OptimConfig, step: int, total: int) -> float:
    """Share of the peak rate at step `step` of `total`, both counted from 0."""
    if config.schedule == "one_cycle":
        return schedules.one_cycle(total)(step)
    warm = min(round(config.warmup * total), total - 1)
    return schedules.warm_up(warm, _after_warm_up(config, total - warm))(step)


def _after_warm_up(config: OptimConfig, steps: int) -> Callable[[int], float]:
    if config.schedule == "cosine":
        return schedules.cosine(steps, config.final)
    if config.schedule == "step":
        return schedules.step_decay(max(1, math.ceil(config.drop_every * steps)))
    return lambda step: 1.0


def _one(config: OptimConfig, groups: list[dict[str, Any]]) -> optim.Optimizer:
    lr, momentum, betas = config.lr, config.momentum, config.betas
    if config.name == "sgd":
        return optim.SGD(groups, lr, momentum, nesterov=momentum > 0)
    if config.name == "rmsprop":
        return optim.RMSprop(groups, lr)
    if config.name == "adagrad":
        return optim.Adagrad(groups, lr)
    kind = {"adam": optim.Adam, "lion": optim.Lion}.get(config.name, optim.AdamW)
    return kind(groups, lr, betas)


def _groups(config: OptimConfig, params: list[nn.Parameter]) -> list[dict[str, Any]]:
    if config.decay_vectors:
        return [{"params": params, "weight_decay": config.weight_decay}]
    decayed = [p for p in params if p.ndim >= 2]
    spared = [p for p in params if p.ndim < 2]
    groups = [(decayed, config.weight_decay), (spared, 0.0)]
    return [{"params": some, "weight_decay": decay} for some, decay in groups if some]


def _inner_matrices(model: nn.Module) -> set[str]:
    """Names of the matrices that Muon is for: no embedding, and not the last layer."""
    embedded = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters()
    }
    named = [n for n, p in model.named_parameters() if p.ndim == 2]
    tied = {n for n, p in model.named_parameters() if id(p) in embedded}
    return set(named) - tied - ({named[-1]} if named and not tied else set())
