"""Which pixels move the score: gradients of a logit with respect to the image.

Write S for the logit of the class before softmax and x for the normalised image. Here
are S's gradient itself and three ways to make more of it than a local slope. All work
in eval mode, image by image, and leave the gradients of the parameters alone.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from .layers import evaluating


@contract
def score_gradient(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
) -> Float[Tensor, "batch channel height width"]:
    """dS/dx, where S is the logit of each image's class in `target`."""
    with evaluating(model), torch.enable_grad():
        image = image.detach().clone().requires_grad_()
        score = class_score(model(image), target)
        return torch.autograd.grad(score.sum(), image)[0]


@contract
def saliency(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
) -> Float[Tensor, "batch height width"]:
    """max over channels of |dS/dx| (Simonyan et al. 2014, section 3.1)."""
    return score_gradient(model, image, target).abs().amax(1)


@contract
def input_x_gradient(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
) -> Float[Tensor, "batch channel height width"]:
    """x dS/dx: what each value adds to S if S were linear (Shrikumar et al. 2016).

    Zero for a pixel of the mean colour, which is 0 after normalisation, whatever it
    means to the model.
    """
    return image * score_gradient(model, image, target)


@contract
def smooth_grad(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
    *,
    noise: float = 0.15,
    samples: int = 50,
    seed: int = 0,
    batch_size: int = 64,
) -> Float[Tensor, "batch channel height width"]:
    """Mean of dS/dx over noisy copies of the image (Smilkov et al. 2017, eq. 1).

    The noise is normal with the standard deviation `noise` (max x - min x), as in the
    paper. The images of a batch share its draws, so each comes out as it does alone.
    """
    _check(noise=noise, samples=samples, batch_size=batch_size)
    generator = torch.Generator().manual_seed(seed)
    draws = torch.randn(samples, *image.shape[1:], generator=generator).to(image)
    sigma = noise * (image.amax((1, 2, 3)) - image.amin((1, 2, 3)))[:, None, None, None]
    noisy = (
        image + sigma * some[:, None] for some in _pieces(draws, image, batch_size)
    )
    return _sum_of_slopes(model, noisy, image, target) / samples


@contract
def integrated_gradients(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
    *,
    baseline: Float[Tensor, "batch channel height width"] | None = None,
    steps: int = 64,
    batch_size: int = 64,
) -> tuple[Float[Tensor, "batch channel height width"], Float[Tensor, " batch"]]:
    """(x - x') times the mean of dS/dx from x' to x (Sundararajan et al. 2017, eq. 1).

    The mean is taken at the middle of `steps` equal pieces, at most `batch_size` images
    at a time. `baseline` x' is the mean colour, 0, unless given. Also returns the
    completeness error, the sum of the attributions minus (S(x) - S(x')): it is zero if
    the steps are many enough, in theory for every model.
    """
    _check(steps=steps, batch_size=batch_size)
    start = torch.zeros_like(image) if baseline is None else baseline
    shares = (torch.arange(steps).to(image) + 0.5)[:, None, None, None, None] / steps
    path = (start + s * (image - start) for s in _pieces(shares, image, batch_size))
    attribution = (image - start) * _sum_of_slopes(model, path, image, target) / steps
    with evaluating(model), torch.no_grad():
        gained = class_score(model(image), target) - class_score(model(start), target)
    return attribution, attribution.sum((1, 2, 3)) - gained


@contract
def class_score(
    logits: Float[Tensor, "batch classes"], target: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """S: the logit of each image's class. Raises ValueError for a class that is not."""
    classes = logits.shape[1]
    wrong = target[(target < 0) | (target >= classes)]
    if len(wrong):
        raise ValueError(
            f"target {wrong[0]}: the model has the classes 0..{classes - 1}"
        )
    return logits.gather(1, target.long()[:, None])[:, 0]


def _pieces(values: Tensor, image: Tensor, batch_size: int) -> tuple[Tensor, ...]:
    """So many at a time that with each of them all images fit into a batch."""
    return values.split(max(1, batch_size // max(1, len(image))))


def _sum_of_slopes(
    model: nn.Module, copies: Iterable[Tensor], image: Tensor, target: Tensor
) -> Tensor:
    """Sum of dS/dx over changed copies of the images, given as (copies batch ...)."""
    total = torch.zeros_like(image)
    for some in copies:
        slopes = score_gradient(model, some.flatten(0, 1), target.repeat(len(some)))
        total += slopes.unflatten(0, some.shape[:2]).sum(0)
    return total


def _check(**numbers: float) -> None:
    for name, value in numbers.items():
        if value < (0 if name == "noise" else 1):
            raise ValueError(f"{name}={value} is too small")
