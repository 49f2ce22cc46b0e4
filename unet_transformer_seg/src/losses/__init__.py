"""What the model is trained to make small: a weighted sum of losses, chosen by name."""

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from torch import Tensor

from ..data.info import IGNORE_INDEX
from ..utils.errors import InputError
from .boundary import boundary_loss
from .cross_entropy import cross_entropy_loss, inverse_frequency
from .focal import focal_loss
from .lovasz import lovasz_hinge_loss, lovasz_softmax_loss
from .overlap import dice_loss, generalised_dice_loss, jaccard_loss, tversky_loss
from .precision import in_float32


Loss = Callable[..., Tensor]

TERMS = (
    "cross_entropy",
    "dice",
    "jaccard",
    "generalised_dice",
    "tversky",
    "focal_tversky",
    "focal",
    "lovasz_softmax",
    "lovasz_hinge",
    "boundary",
)


@dataclass(frozen=True, slots=True)
class LossConfig:
    terms: dict[str, float] = field(
        default_factory=lambda: {"cross_entropy": 1.0, "dice": 1.0}
    )
    """Name of a loss -> its weight in the sum, >= 0."""
    class_weights: Literal["none", "inverse"] = "none"
    """`inverse`: cross_entropy and focal weigh a class by 1 / its training pixels."""
    label_smoothing: float = 0.0
    """Share of the target spread over all classes in cross_entropy, in [0, 1]."""
    smooth: float = 1e-5
    """Added above and below the ratios of dice, jaccard, tversky; in pixels, >= 0."""
    squared: bool = False
    """dice with squared probabilities in the denominator."""
    per_image: bool = False
    """Ratios of each image, then their mean; otherwise of the pooled batch."""
    include_background: bool = True
    """Whether class 0 is among the classes of the ratios."""
    gamma: float = 2.0
    """Exponent of focal, >= 0; 0 is cross entropy."""
    alpha: float = 0.3
    """Cost of a false positive in tversky and focal_tversky, >= 0."""
    beta: float = 0.7
    """Cost of a false negative there, >= 0."""
    tversky_gamma: float = 0.75
    """Exponent of focal_tversky, > 0; 1 is tversky."""
    boundary_rampup: float = 0.0
    """Share of the training in which the boundary term grows to its weight, [0, 1]."""

    def __post_init__(self):
        _check_terms(self.terms)
        for name in ("smooth", "gamma", "alpha", "beta"):
            _check_range(name, getattr(self, name), 0, math.inf)
        for name in ("label_smoothing", "boundary_rampup"):
            _check_range(name, getattr(self, name), 0, 1)
        if not 0 < self.tversky_gamma < math.inf:
            raise ValueError(f"tversky_gamma is {self.tversky_gamma}, not above 0")
        if self.class_weights not in ("none", "inverse"):
            raise ValueError(
                f"class_weights is {self.class_weights!r}; it is none or inverse"
            )


def build_loss(
    config: LossConfig, class_pixels: tuple[int, ...], ignore_index: int = IGNORE_INDEX
) -> Callable[[Tensor, Tensor, float], Tensor]:
    """The weighted sum as `loss(logits, target, progress)`, progress from 0 to 1."""
    _check_classes(config, len(class_pixels))
    losses = _losses(config, class_pixels)
    terms = [(weight, name) for name, weight in config.terms.items() if weight > 0]

    @in_float32
    def weighted_sum(logits: Tensor, target: Tensor, *, progress: float) -> Tensor:
        total = logits.new_zeros(())
        for weight, name in terms:
            if name == "boundary" and config.boundary_rampup > 0:
                weight = weight * min(1.0, progress / config.boundary_rampup)
            loss = losses[name](logits, target, ignore_index=ignore_index)
            total = total + weight * loss
        return total

    return lambda logits, target, progress=1.0: weighted_sum(
        logits, target, progress=progress
    )


def _losses(config: LossConfig, class_pixels: tuple[int, ...]) -> dict[str, Loss]:
    sums = {
        "per_image": config.per_image,
        "include_background": config.include_background,
    }
    ratio = {**sums, "smooth": config.smooth}
    tversky = partial(tversky_loss, alpha=config.alpha, beta=config.beta, **ratio)
    inverse = (
        inverse_frequency(class_pixels) if config.class_weights == "inverse" else None
    )

    def weighted(loss: Loss, **options) -> Loss:
        if inverse is None:
            return partial(loss, **options)
        return lambda logits, target, **more: loss(
            logits, target, weight=inverse.to(logits), **options, **more
        )

    return {
        "cross_entropy": weighted(
            cross_entropy_loss, label_smoothing=config.label_smoothing
        ),
        "focal": weighted(focal_loss, gamma=config.gamma),
        "dice": partial(dice_loss, squared=config.squared, **ratio),
        "jaccard": partial(jaccard_loss, **ratio),
        "generalised_dice": partial(generalised_dice_loss, **ratio),
        "tversky": tversky,
        "focal_tversky": partial(tversky, gamma=config.tversky_gamma),
        "lovasz_softmax": partial(lovasz_softmax_loss, **sums),
        "lovasz_hinge": partial(_two_class_hinge, per_image=config.per_image),
        "boundary": boundary_loss,
    }


def _two_class_hinge(logits: Tensor, target: Tensor, **options) -> Tensor:
    return lovasz_hinge_loss(logits[:, 1] - logits[:, 0], target, **options)


def _check_classes(config: LossConfig, classes: int) -> None:
    if config.terms.get("lovasz_hinge") and classes != 2:
        raise InputError(
            f"loss.terms.lovasz_hinge is for data of 2 classes, not of {classes}; "
            "use lovasz_softmax"
        )
    if classes == 1 and (config.terms.get("boundary") or not config.include_background):
        raise InputError(
            "the data has one class, the background: remove loss.terms.boundary and "
            "loss.include_background=false"
        )


def _check_terms(terms: dict[str, float]) -> None:
    for name, weight in terms.items():
        if name not in TERMS:
            close = difflib.get_close_matches(name, TERMS, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            known = ", ".join(TERMS)
            raise ValueError(f"terms.{name} is not a loss; {hint}Known: {known}")
        _check_range(f"terms.{name}", weight, 0, math.inf)
    if not any(terms.values()):
        raise ValueError(f"terms is {terms}; at least one loss needs a weight above 0")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high or math.isinf(value):
        allowed = f"at least {low}" if math.isinf(high) else f"between {low} and {high}"
        raise ValueError(f"{name} is {value}; it must be {allowed}")
