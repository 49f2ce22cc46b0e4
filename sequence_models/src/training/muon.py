"""Muon: momentum whose update of a matrix is made orthogonal (Jordan et al. 2024).

kellerjordan.github.io/posts/muon. A gradient is dominated by few directions; replacing
its singular values by ones moves all directions alike. It is meant for the matrices
between the first layer and the last; embeddings, head and vectors stay with AdamW
(Loshchilov & Hutter 2019), which is part of the same optimiser here.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..models.positions import LearnedPositions
from ..utils.contracts import contract
from .optim import OptimConfig


ADAMW_RATE = 0.15
"""Of the rate of the matrices: 0.003 where that is 0.02."""


class Muon(torch.optim.Optimizer):
    """Muon on the groups with `orthogonal=True`, AdamW on the others.

    Of a gradient g, with Nesterov momentum: m <- mu m + g, O = orthogonalise(g + mu m),
    w <- (1 - lr decay) w - lr max(1, rows / columns)^0.5 O.
    """

    def __init__(
        self,
        params,
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.95),
        orthogonal: bool = True,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "betas": betas,
            "orthogonal": orthogonal,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if group["weight_decay"]:
                for weight in weights:
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
            if group["orthogonal"]:
                self._step_matrices(weights, group)
            else:
                self._step_adamw(weights, group)
        return loss

    def _step_matrices(self, weights: list[nn.Parameter], group: dict) -> None:
        # Matrices of one shape in one product: half the time of one after the other.
        by_shape: dict[torch.Size, list[nn.Parameter]] = {}
        for weight in weights:
            by_shape.setdefault(weight.shape, []).append(weight)
        for (rows, columns), alike in by_shape.items():
            updates = torch.stack([self._momentum(weight, group) for weight in alike])
            rate = group["lr"] * max(1, rows / columns) ** 0.5
            for weight, update in zip(alike, orthogonalise(updates), strict=True):
                weight.sub_(update, alpha=rate)

    def _momentum(self, weight: nn.Parameter, group: dict) -> Tensor:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        average = state["momentum"].mul_(group["momentum"]).add_(weight.grad)
        return weight.grad.add(average, alpha=group["momentum"])

    def _step_adamw(self, weights: list[nn.Parameter], group: dict) -> None:
        first, second = group["betas"]
        for weight in weights:
            state = self.state[weight]
            if not state:
                state |= {"step": 0, "m": torch.zeros_like(weight)}
                state["v"] = torch.zeros_like(weight)
            state["step"] += 1
            m = state["m"].lerp_(weight.grad, 1 - first)
            v = (
                state["v"]
                .mul_(second)
                .addcmul_(weight.grad, weight.grad, value=1 - second)
            )
            root = (v / (1 - second ** state["step"])).sqrt_().add_(1e-8)
            rate = group["lr"] / (1 - first ** state["step"])
            weight.addcdiv_(m, root, value=-rate)


@contract
def orthogonalise(
    matrices: Float[Tensor, "batch rows columns"],
    iterations: int = 5,
) -> Float[Tensor, "batch rows columns"]:
    """U V' of the singular value decomposition U S V' of each, nearly, by products.

    Newton-Schulz: x <- a x + (b x x' + c (x x')^2) x takes singular values of up to 1
    towards 1, small ones by the factor a = 3.44 each time. It does not converge: those
    above 0.01 are between 0.68 and 1.14 after 5 iterations. Numbers of 32 bits are
    computed in bfloat16, which such a coarse result can bear, in a third of the time.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices if matrices.dtype == torch.float64 else matrices.bfloat16()
    tall = x.shape[1] > x.shape[2]  # products of the short side are the small ones
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(iterations):
        gram = x @ x.mT
        x = torch.baddbmm(
            x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a
        )
    return (x.mT if tall else x).to(matrices.dtype)


def build_muon(config: OptimConfig, model: nn.Module) -> Muon:
    """Muon for a model: `lr` and `momentum` of the config are those of its matrices.

    AdamW, at `ADAMW_RATE` times that, takes embeddings, learned positions, a module
    named "head", and what is no matrix. Weight decay is for two and more axes.
    """
    outer = {
        id(weight)
        for name, module in model.named_modules()
        if isinstance(module, (nn.Embedding, LearnedPositions))
        or name.rpartition(".")[2] == "head"
        for weight in module.parameters()
    }
    matrices, others, vectors = [], [], []
    for weight in model.parameters():
        inner = weight.ndim == 2 and id(weight) not in outer
        kind = matrices if inner else others if weight.ndim >= 2 else vectors
        if weight.requires_grad:
            kind.append(weight)
    adamw = {
        "orthogonal": False,
        "lr_scale": ADAMW_RATE,
        "lr": ADAMW_RATE * config.lr,
    }
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": config.weight_decay, **adamw},
        {"params": vectors, **adamw},
    ]
    groups = [group for group in groups if group["params"]]
    return Muon(groups, config.lr, config.momentum, betas=config.betas)
