"""What could make a loss, or its gradient, infinite, NaN, or silently wrong."""

from functools import partial

import pytest
import torch
from torch import Tensor

from src.losses.boundary import boundary_loss
from src.losses.cross_entropy import cross_entropy_loss
from src.losses.focal import focal_loss
from src.losses.lovasz import lovasz_hinge_loss, lovasz_softmax_loss
from src.losses.overlap import (
    dice_loss,
    generalised_dice_loss,
    jaccard_loss,
    tversky_loss,
)
from src.losses.precision import in_float32


def hinge_of_two(logits: Tensor, target: Tensor, **options) -> Tensor:
    return lovasz_hinge_loss(logits[:, 1], target, **options)


WEIGHT = torch.tensor([0.0, 2.0, 1.0], dtype=torch.float64)
LOSSES = {
    "ce": cross_entropy_loss,
    "ce smoothed": partial(cross_entropy_loss, label_smoothing=0.1),
    "dice": dice_loss,
    "dice s=0": partial(dice_loss, smooth=0.0),
    "dice squared per image": partial(dice_loss, squared=True, per_image=True),
    "jaccard": jaccard_loss,
    "jaccard s=0": partial(jaccard_loss, smooth=0.0, per_image=True),
    "gdl": generalised_dice_loss,
    "gdl s=0": partial(generalised_dice_loss, smooth=0.0, per_image=True),
    "tversky": partial(tversky_loss, alpha=0.3, beta=0.7),
    "focal tversky": partial(tversky_loss, gamma=0.75),
    "focal tversky s=0": partial(tversky_loss, gamma=0.5, smooth=0.0, per_image=True),
    "focal": focal_loss,
    "focal g=1/2": partial(focal_loss, gamma=0.5),
    "lovasz": lovasz_softmax_loss,
    "lovasz per image": partial(lovasz_softmax_loss, per_image=True),
    "hinge": hinge_of_two,
    "hinge per image": partial(hinge_of_two, per_image=True),
    "boundary": boundary_loss,
}
every_loss = pytest.mark.parametrize("name", LOSSES)


def make(name: str, shape=(2, 3, 6, 5), dtype=torch.float64) -> tuple[Tensor, Tensor]:
    batch, classes, *sides = shape
    classes = 2 if "hinge" in name else classes
    generator = torch.Generator().manual_seed(11)
    logits = torch.randn(batch, classes, *sides, generator=generator, dtype=dtype)
    target = torch.randint(0, classes, (batch, *sides), generator=generator)
    target[0, 0] = 255
    return logits.requires_grad_(), target


def gradient(loss: Tensor, logits: Tensor) -> Tensor:
    return torch.autograd.grad(loss, logits)[0]


@pytest.mark.spec("SEG-057", "where every pixel is ignored the loss is 0 with zero")
@every_loss
def test_all_ignored(name):
    logits, target = make(name)

    loss = LOSSES[name](logits, torch.full_like(target, 255))

    assert loss.item() == 0
    assert torch.equal(gradient(loss, logits), torch.zeros_like(logits))


@pytest.mark.spec("SEG-057", "Ignored pixels influence neither")
@every_loss
def test_ignored_pixels_influence_nothing(name):
    logits, target = make(name)
    target[1, 2:4] = 255
    ignored = (target == 255)[:, None].expand_as(logits)
    other = logits.detach().masked_fill(ignored, 37.0).requires_grad_()

    loss, changed = LOSSES[name](logits, target), LOSSES[name](other, target)

    torch.testing.assert_close(changed, loss, rtol=1e-12, atol=1e-12)
    slope = gradient(loss, logits)
    torch.testing.assert_close(gradient(changed, other), slope, rtol=1e-9, atol=1e-12)
    assert (slope[ignored] == 0).all()
    assert slope.abs().sum() > 0


@every_loss
def test_another_ignore_index_even_one_among_the_classes(name):
    logits, target = make(name)
    negative = target.where(target != 255, -100)
    class_1 = target.where(target != 255, 1)

    by_255 = LOSSES[name](logits, target)
    by_negative = LOSSES[name](logits, negative, ignore_index=-100)
    by_class = LOSSES[name](logits, class_1, ignore_index=1)
    as_255 = LOSSES[name](logits, class_1.where(class_1 != 1, 255))

    assert torch.equal(by_negative, by_255)
    assert torch.equal(by_class, as_255)


@pytest.mark.spec("SEG-057", "finite, value and gradient")
@every_loss
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4, -1e4])
@pytest.mark.parametrize("only", [None, 0, 1])
def test_finite_for_huge_logits_and_absent_classes(name, scale, only):
    for dtype in (torch.float64, torch.float32):
        for shape in ((2, 3, 6, 5), (1, 2, 1, 1)):
            logits, target = make(name, shape, dtype)
            target = target if only is None else torch.full_like(target, only)
            hot = torch.nn.functional.one_hot(target % 255 % 2, logits.shape[1])
            logits = (scale * hot.movedim(-1, 1)).to(dtype).requires_grad_()

            loss = LOSSES[name](logits, target)

            assert loss.isfinite()
            assert gradient(loss, logits).isfinite().all()


@pytest.mark.spec("SEG-058", "NaN among the logits that count makes the loss NaN")
@every_loss
def test_nan_is_not_hidden(name):
    logits, target = make(name)
    with torch.no_grad():
        logits[1, 1, 3, 3] = torch.nan

    loss = LOSSES[name](logits, target)

    assert loss.isnan()
    if "hinge" not in name:  # torch's gradient of relu(nan) is 0
        assert gradient(loss, logits).isnan().any()


@every_loss
def test_memory_layout_changes_nothing(name):
    logits, target = make(name)
    loss = LOSSES[name](logits, target)
    slope = gradient(loss, logits)
    strided = (
        torch.empty(*logits.shape[:3], 10).double()[..., ::2].copy_(logits.detach())
    )
    last = logits.detach().to(memory_format=torch.channels_last)
    for other in (strided, last):
        other.requires_grad_()
        value = LOSSES[name](other, target.mT.contiguous().mT)
        torch.testing.assert_close(value, loss, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(gradient(value, other), slope, rtol=1e-9, atol=1e-12)


@pytest.mark.spec("SEG-058", "computed in float32 under autocast")
@every_loss
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_float32_under_autocast(name, half):
    logits, target = make(name, (2, 3, 16, 16), half)
    wide = logits.detach().float().requires_grad_()
    expected = LOSSES[name](wide, target)

    with torch.autocast("cpu", dtype=half):
        losses = [LOSSES[name](x, target) for x in (logits, wide)]
    slope = gradient(losses[0], logits)

    assert losses[0].dtype == losses[1].dtype == torch.float32
    assert losses[0] == losses[1] == expected
    assert slope.dtype == half
    assert torch.equal(slope, gradient(expected, wide).to(half))


@pytest.mark.spec("SEG-058", "computed in float32 under autocast")
def test_products_inside_a_loss_are_not_rounded_by_autocast():
    product = in_float32(lambda logits, target: logits.flatten() @ logits.flatten())
    logits = torch.rand(1, 2, 8, 8)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = product(logits, None)

    assert value.dtype == torch.float32
    torch.testing.assert_close(value, logits.square().sum(), rtol=1e-6, atol=0)


@pytest.mark.spec("SEG-058", "float64 stays float64")
@every_loss
def test_float64_stays_float64_under_autocast(name):
    logits, target = make(name)
    expected = LOSSES[name](logits, target)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = LOSSES[name](logits, target)

    assert loss.dtype == torch.float64
    assert loss == expected


@every_loss
def test_gradcheck(name):
    logits, target = make(name, (2, 3, 3, 4))

    assert torch.autograd.gradcheck(lambda x: LOSSES[name](x, target), logits)


@pytest.mark.parametrize("loss", [cross_entropy_loss, focal_loss])
def test_weight_zero_on_all_there_is(loss):
    logits, target = make("ce")

    value = loss(logits, torch.zeros_like(target), weight=WEIGHT)

    assert value.item() == 0
    assert (gradient(value, logits) == 0).all()


@pytest.mark.parametrize("loss", [dice_loss, jaccard_loss, lovasz_softmax_loss])
def test_one_class_has_no_foreground(loss):
    logits, target = torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 2).long()

    with pytest.raises(ValueError, match="1 class"):
        loss(logits, target, include_background=False)
    with pytest.raises(ValueError, match="1 class"):
        boundary_loss(logits, target)
