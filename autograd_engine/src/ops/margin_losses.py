"""Losses that want a distance between scores or vectors: hinge and its relatives."""

from collections.abc import Callable

from jaxtyping import Float, Int, Shaped

from ..engine.backend import array_module
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .activations import logsigmoid, softplus
from .distances import pairwise_distance
from .fused import constant
from .losses import broadcast, check_reduction, reduced


@contract
def hinge_embedding_loss(
    input: Float[Tensor, "..."],
    target: Shaped[Tensor, "..."],
    margin: float = 1.0,
    *,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """x where the target is 1, max(0, margin - x) where it is -1."""
    check_reduction("hinge_embedding_loss", reduction)
    broadcast("hinge_embedding_loss", input, target)
    apart, alike = _masks(input, target.data != 1, target.data != -1)
    return reduced(_hinge(margin - input) * apart + input * alike, reduction)


@contract
def margin_ranking_loss(
    input1: Float[Tensor, "..."],
    input2: Float[Tensor, "..."],
    target: Shaped[Tensor, "..."],
    margin: float = 0.0,
    *,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """max(0, -target (input1 - input2) + margin)."""
    name = "margin_ranking_loss"
    check_reduction(name, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"{name}: inputs of shapes {input1.shape} and {input2.shape} and a target "
            f"of shape {target.shape} differ in their number of axes"
        )
    return reduced(_hinge(-target * (input1 - input2) + margin), reduction)


@contract
def soft_margin_loss(
    input: Float[Tensor, "..."],
    target: Shaped[Tensor, "..."],
    *,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """log(1 + exp(-target input))."""
    check_reduction("soft_margin_loss", reduction)
    broadcast("soft_margin_loss", input, target)
    return reduced(softplus(-target * input, 1.0, float("inf")), reduction)


@contract
def multilabel_soft_margin_loss(
    input: Float[Tensor, "..."],
    target: Shaped[Tensor, "..."],
    weight: Float[Tensor, "..."] | None = None,
    *,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """The mean over classes of binary cross-entropy with logits."""
    check_reduction("multilabel_soft_margin_loss", reduction)
    broadcast("multilabel_soft_margin_loss", input, target)
    loss = (target - 1) * logsigmoid(-input) - target * logsigmoid(input)
    loss = loss if weight is None else loss * weight
    return reduced(loss.sum(-1) / input.shape[-1], reduction)


@contract
def multi_margin_loss(
    input: Float[Tensor, "*batch classes"],
    target: Int[Tensor, "*batch"],
    p: int = 1,
    margin: float = 1.0,
    weight: Float[Tensor, " classes"] | None = None,
    *,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """sum over other classes of max(0, margin - x_target + x_c)^p / classes."""
    name = "multi_margin_loss"
    check_reduction(name, reduction)
    if p not in (1, 2):
        raise ValueError(f"{name}: p is 1 or 2, not {p}")
    xp, classes = array_module(input.data), input.shape[-1]
    numbers = target.data
    if ((numbers < 0) | (numbers >= classes)).any():
        raise IndexError(f"{name}: a target class is outside of 0 to {classes - 1}")
    chosen = xp.eye(classes, dtype=input.dtype)[numbers]
    score = (input * constant(chosen)).sum(-1, keepdim=True)
    gap = _hinge(margin - score + input) * constant(1 - chosen)
    gap = gap if p == 1 else gap * gap
    if weight is not None:
        gap = gap * constant(weight.data[numbers][..., None])
    return reduced(gap.sum(-1) / classes, reduction)


@contract
def cosine_embedding_loss(
    input1: Float[Tensor, "..."],
    input2: Float[Tensor, "..."],
    target: Shaped[Tensor, "*pairs"],
    margin: float = 0.0,
    *,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1."""
    name = "cosine_embedding_loss"
    check_reduction(name, reduction)
    fits = {0: (1,), 1: (1, 2)}.get(target.ndim, ())
    if (
        input1.ndim not in fits
        or input2.ndim not in fits
        or target.ndim + 1
        not in (
            input1.ndim,
            input2.ndim,
        )
    ):
        raise RuntimeError(
            f"{name}: inputs of shapes {input1.shape} and {input2.shape} with a target "
            f"of shape {target.shape}; (batch, size) with (batch), or (size) with ()"
        )
    tiny = 1e-12
    across = (input1 * input2).sum(-1)
    lengths = (input1 * input1).sum(-1) + tiny, (input2 * input2).sum(-1) + tiny
    cosine = across / (lengths[0] * lengths[1]).sqrt()
    alike, apart = _masks(input1, target.data == 1, target.data == -1)
    return reduced((1 - cosine) * alike + _hinge(cosine - margin) * apart, reduction)


@contract
def triplet_margin_loss(
    anchor: Float[Tensor, "..."],
    positive: Float[Tensor, "..."],
    negative: Float[Tensor, "..."],
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """max(0, |a - p| - |a - n| + margin); `swap` takes |p - n| where that is less."""

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return pairwise_distance(x, y, p, eps)

    return _triplet(
        "triplet_margin_loss",
        (anchor, positive, negative),
        distance,
        (margin, swap, reduction),
    )


@contract
def triplet_margin_with_distance_loss(
    anchor: Float[Tensor, "..."],
    positive: Float[Tensor, "..."],
    negative: Float[Tensor, "..."],
    *,
    distance_function: Callable | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Float[Tensor, "*losses"]:
    """`triplet_margin_loss` with a distance of one's own."""
    return _triplet(
        "triplet_margin_with_distance_loss",
        (anchor, positive, negative),
        distance_function or pairwise_distance,
        (margin, swap, reduction),
    )


def _triplet(name: str, tensors: tuple, distance: Callable, options: tuple) -> Tensor:
    (anchor, positive, negative), (margin, swap, reduction) = tensors, options
    check_reduction(name, reduction)
    if margin <= 0:
        raise ValueError(f"{name}: margin must be above 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        told = ", ".join(str(t.shape) for t in tensors)
        raise RuntimeError(f"{name}: shapes {told} differ in their number of axes")
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced(_hinge(near - far + margin), reduction)


def _hinge(x: Tensor) -> Tensor:
    """max(x, 0), whose slope at 0 is 1, as that of PyTorch's clamp."""
    return x * constant((x.data >= 0).astype(x.dtype))


def _masks(like: Tensor, *masks) -> list[Tensor]:
    return [constant(mask.astype(like.dtype)) for mask in masks]
