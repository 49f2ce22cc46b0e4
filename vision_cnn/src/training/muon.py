"""Muon: momentum whose update of a matrix is made orthogonal (Jordan et al. 2024).

kellerjordan.github.io/posts/muon. A gradient is dominated by few directions; replacing
its singular values by ones moves all directions alike. Kernels count as matrices, a row
per output; biases, norms and the head are left to plain SGD.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .optim import OptimConfig


SGD_MOMENTUM = 0.85


class Muon(torch.optim.Optimizer):
    """Muon on the groups with `orthogonal=True`, SGD with Nesterov momentum on others.

    An orthogonal update of a matrix with n rows has the length sqrt(n). With
    `fixed_norm` the matrix is held at that length too, so that `lr` is the share of it
    that a step replaces; without, weight decay is decoupled. Momentum of the gradient
    g: m <- mu m + g, and the step follows g + mu m.
    """

    def __init__(
        self,
        params,
        lr: float = 0.1,
        momentum: float = 0.6,
        weight_decay: float = 0.0,
        orthogonal: bool = True,
        fixed_norm: bool = False,
        iterations: int = 3,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "orthogonal": orthogonal,
            "fixed_norm": fixed_norm,
            "iterations": iterations,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group)
        return loss

    def _update(self, weight: Tensor, group: dict) -> None:
        """One step of a weight, whose m is kept in `state[weight]["momentum"]`."""
        orthogonal, decay = group["orthogonal"], group["weight_decay"]
        gradient = weight.grad
        if decay and not orthogonal:
            gradient = gradient.add(weight, alpha=decay)
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        average = state["momentum"].mul_(group["momentum"]).add_(gradient)
        update = gradient.add(average, alpha=group["momentum"])
        if orthogonal:
            rows = len(weight)
            update = orthogonalise(update.flatten(1), group["iterations"])
            update = update.view_as(weight) * max(1, rows / update.shape[1]) ** 0.5
            if group["fixed_norm"]:
                weight.mul_(rows**0.5 / weight.norm())
            elif decay:
                weight.mul_(1 - group["lr"] * decay)
        weight.sub_(update, alpha=group["lr"])


@contract
def orthogonalise(
    matrix: Float[Tensor, "rows columns"], iterations: int = 5
) -> Float[Tensor, "rows columns"]:
    """U V' of the singular value decomposition U S V', nearly, by products alone.

    Newton-Schulz: x <- p x with p = a + b x x' + c (x x')^2 takes singular values of up
    to 1 towards 1, small ones by the factor a = 3.44 each time. It does not converge:
    those above 0.01 are between 0.68 and 1.14 after 5 iterations. The polynomials are
    multiplied first, being small and square: x enters two products only.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide / (wide.norm() + 1e-7)
    one = torch.eye(len(x), dtype=x.dtype, device=x.device)
    gram, product = x @ x.T, one
    for _ in range(iterations):
        p = a * one + b * gram + c * gram @ gram
        gram, product = p @ gram @ p, p @ product
    x = product @ x
    return x.T if wide is not matrix else x


def build_muon(config: OptimConfig, model: nn.Module) -> Muon:
    """Muon for a model: `lr` and `momentum` of the config are those of its kernels.

    Tensors of two and more axes are kernels, but for the head, which SGD trains with
    `weight_decay`. A model may say that its kernels are to keep their length
    (`scale_free_kernels`), and at how many times `lr` SGD trains "head" and "bias"
    (`sgd_rates`).
    """
    parts: dict[str, list[nn.Parameter]] = {"kernel": [], "head": [], "bias": []}
    for name, weight in model.named_parameters():
        is_head = name.startswith("head.")
        kind = "bias" if weight.ndim < 2 else "head" if is_head else "kernel"
        if weight.requires_grad:
            parts[kind].append(weight)
    kernels = {
        "params": parts["kernel"],
        "weight_decay": config.weight_decay,
        "fixed_norm": getattr(model, "scale_free_kernels", False),
    }
    rates = getattr(model, "sgd_rates", {"head": 1.0, "bias": 1.0})
    others = [
        {
            "params": parts[kind],
            "weight_decay": config.weight_decay if kind == "head" else 0.0,
            "orthogonal": False,
            "momentum": SGD_MOMENTUM,
            "lr_scale": rates[kind],
            "lr": config.lr * rates[kind],
        }
        for kind in ("head", "bias")
    ]
    groups = [group for group in (kernels, *others) if group["params"]]
    return Muon(groups, config.lr, config.momentum)
