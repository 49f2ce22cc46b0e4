"""Guided back-propagation (Springenberg et al. 2015, arXiv 1412.6806, section 3.4).

The gradient of the score, but each ReLU passes back only what is positive, besides
passing only where its input was positive. The picture is sharp; it depends on the image
more than on the class (Adebayo et al. 2018): see `sanity.py`.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ..utils.contracts import contract
from ..utils.errors import InputError
from .gradients import score_gradient


RELUS = {F.relu, F.relu6, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}
"""However a model spells it. ReLU6 is one that also stops at six, see `_is_relu6`."""


@contract
def guided_backprop(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
) -> Float[Tensor, "batch channel height width"]:
    """dS/dx where each ReLU passes back positive gradients only.

    The model is not touched: the rule is bound to this one pass and finds the ReLUs
    that run, modules or functions, in place or not. Raises InputError if none runs.
    """
    with _Guided() as rule:
        gradient = score_gradient(model, image, target)
    if not rule.met:
        raise InputError(no_relu(model))
    return gradient


def no_relu(model: nn.Module) -> str:
    """Why the method has nothing to say of a model."""
    return (
        f"Guided back-propagation changes how gradients pass a ReLU, and "
        f"{type(model).__name__} has none. Use another method, such as SmoothGrad."
    )


class _Guided(TorchFunctionMode):
    """Clips at zero the gradient that arrives at the output of each ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.met = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if func in RELUS or _is_relu6(func, kwargs):
            self.met += 1
            if out.requires_grad:
                out.register_hook(lambda gradient: gradient.clamp(min=0))
        return out


def _is_relu6(func, kwargs: dict) -> bool:
    """Whether this is nn.ReLU6, which runs as a hard tanh from zero up."""
    return func is F.hardtanh and kwargs.get("min_val") == 0
