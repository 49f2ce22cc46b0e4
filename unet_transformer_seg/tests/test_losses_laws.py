"""Laws that hold for every input, and for every loss but for these.

Boundary: it depends on where pixels are, may be negative, and is not 0 at its best.
Lovasz hinge: it tells class 1 from the rest and no other classes from each other.
"""

import inspect
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
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


def hinge(logits: Tensor, target: Tensor, **options) -> Tensor:
    """Class 1 against the rest, for any number of classes."""
    target = torch.where(target == 255, 255, (target == 1).long())
    others = logits[:, [0, *range(2, logits.shape[1])]].amax(1)
    return lovasz_hinge_loss(logits[:, 1] - others, target, **options)


SYMMETRIC = {
    "ce": cross_entropy_loss,
    "dice": dice_loss,
    "dice squared": partial(dice_loss, squared=True),
    "jaccard": jaccard_loss,
    "gdl": generalised_dice_loss,
    "tversky": partial(tversky_loss, alpha=0.2, beta=1.1),
    "focal tversky": partial(tversky_loss, gamma=0.75),
    "focal": focal_loss,
    "lovasz": lovasz_softmax_loss,
}
ORDERLESS = SYMMETRIC | {"hinge": hinge}
RATIOS = {
    "dice": dice_loss,
    "jaccard": jaccard_loss,
    "gdl": generalised_dice_loss,
    "tversky": tversky_loss,
    "lovasz": lovasz_softmax_loss,
    "hinge": hinge,
}
EXACT = {"rtol": 1e-9, "atol": 1e-9}


@st.composite
def samples(draw, ignored: bool = True) -> tuple[Tensor, Tensor]:
    batch, classes, height, width = (draw(st.integers(*r)) for r in SIZES)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    size = (batch, height, width)
    scale = draw(st.sampled_from([0.1, 1.0, 10.0]))
    logits = scale * torch.randn(
        batch, classes, height, width, generator=generator, dtype=torch.float64
    )
    target = torch.randint(0, draw(st.integers(1, classes)), size, generator=generator)
    if ignored:
        share = draw(st.sampled_from([0.0, 0.3, 1.0]))
        target[torch.rand(size, generator=generator) < share] = 255
    return logits, target


SIZES = ((1, 3), (2, 4), (1, 5), (1, 5))


@pytest.mark.parametrize("loss", ORDERLESS.values(), ids=ORDERLESS)
@given(sample=samples())
def test_never_negative(loss, sample):
    assert loss(*sample) >= -1e-12


@pytest.mark.parametrize("loss", ORDERLESS.values(), ids=ORDERLESS)
@given(sample=samples())
def test_zero_for_a_perfect_prediction(loss, sample):
    logits, target = sample
    hot = torch.nn.functional.one_hot(target.where(target != 255, 0), logits.shape[1])

    assert loss(60 * hot.movedim(-1, 1).double(), target).item() == pytest.approx(0)


@pytest.mark.parametrize("loss", SYMMETRIC.values(), ids=SYMMETRIC)
@given(sample=samples(), data=st.data())
def test_names_of_classes_do_not_matter(loss, sample, data):
    logits, target = sample
    order = torch.tensor(data.draw(st.permutations(range(logits.shape[1]))))
    renamed = order.argsort()[target % logits.shape[1]].where(target != 255, 255)

    torch.testing.assert_close(
        loss(logits[:, order], renamed), loss(logits, target), **EXACT
    )


@pytest.mark.parametrize("loss", ORDERLESS.values(), ids=ORDERLESS)
@given(sample=samples(), seed=st.integers(0, 1000))
def test_order_of_pixels_does_not_matter(loss, sample, seed):
    logits, target = sample
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(target[0].numel(), generator=generator)
    moved = logits.flatten(2)[:, :, order].reshape(logits.shape)
    moved_target = target.flatten(1)[:, order].reshape(target.shape)

    torch.testing.assert_close(loss(moved, moved_target), loss(logits, target), **EXACT)


@pytest.mark.parametrize("loss", ORDERLESS.values(), ids=ORDERLESS)
@given(sample=samples())
def test_ignored_pixels_are_as_if_they_were_not_there(loss, sample):
    logits, target = sample
    valid = target != 255
    if not valid.any():
        return
    kept = logits.movedim(1, -1)[valid].T[None, :, None]

    torch.testing.assert_close(
        loss(kept, target[valid][None, None]), loss(logits, target), **EXACT
    )


@given(sample=samples())
def test_boundary_does_not_see_logits_of_ignored_pixels(sample):
    logits, target = sample
    other = torch.where((target == 255)[:, None], 5.0, logits)

    torch.testing.assert_close(
        boundary_loss(other, target), boundary_loss(logits, target), **EXACT
    )


@pytest.mark.spec("SEG-051", "per image")
@pytest.mark.parametrize("loss", RATIOS.values(), ids=RATIOS)
@given(sample=samples())
def test_per_image_is_the_mean_over_images(loss, sample):
    logits, target = sample
    each = [loss(x[None], y[None]) for x, y in zip(logits, target, strict=True)]

    torch.testing.assert_close(
        loss(logits, target, per_image=True), torch.stack(each).mean(), **EXACT
    )


@pytest.mark.parametrize("loss", ORDERLESS.values(), ids=ORDERLESS)
@given(sample=samples())
def test_an_image_twice_is_the_image_once(loss, sample):
    logits, target = sample
    exact = {"smooth": 0.0} if "smooth" in inspect.signature(loss).parameters else {}
    twice = loss(logits.repeat(2, 1, 1, 1), target.repeat(2, 1, 1), **exact)

    torch.testing.assert_close(twice, loss(logits, target, **exact), **EXACT)


@pytest.mark.parametrize("loss", [cross_entropy_loss, focal_loss, boundary_loss])
@given(sample=samples(ignored=False))
def test_batch_is_the_mean_over_images_of_equal_count(loss, sample):
    logits, target = sample
    each = [loss(x[None], y[None]) for x, y in zip(logits, target, strict=True)]

    torch.testing.assert_close(loss(logits, target), torch.stack(each).mean(), **EXACT)


@pytest.mark.spec("SEG-054", "gamma = 0 is cross entropy")
@given(sample=samples(), weighted=st.booleans())
def test_focal_of_gamma_zero_is_cross_entropy(sample, weighted):
    weight = torch.arange(1.0, 1 + sample[0].shape[1]).double() if weighted else None

    torch.testing.assert_close(
        focal_loss(*sample, gamma=0.0, weight=weight),
        cross_entropy_loss(*sample, weight=weight),
        **EXACT,
    )


@pytest.mark.spec("SEG-053", "a = b = 1/2 is soft Dice with half its smooth")
@given(sample=samples(), smooth=st.sampled_from([0.0, 1e-5, 1.0]))
def test_tversky_of_halves_is_dice(sample, smooth):
    torch.testing.assert_close(
        tversky_loss(*sample, alpha=0.5, beta=0.5, smooth=smooth),
        dice_loss(*sample, smooth=2 * smooth),
        **EXACT,
    )


@given(sample=samples(), smooth=st.sampled_from([0.0, 1e-5, 1.0]))
def test_tversky_of_ones_is_jaccard(sample, smooth):
    torch.testing.assert_close(
        tversky_loss(*sample, alpha=1.0, beta=1.0, smooth=smooth),
        jaccard_loss(*sample, smooth=smooth),
        **EXACT,
    )


@pytest.mark.spec("SEG-053", "an exponent of 1 leaves the Tversky loss")
@given(sample=samples())
def test_focal_tversky_of_exponent_near_one_is_tversky(sample):
    near = tversky_loss(*sample, alpha=0.3, beta=0.7, gamma=1 + 1e-12)

    torch.testing.assert_close(
        near, tversky_loss(*sample, alpha=0.3, beta=0.7), **EXACT
    )
