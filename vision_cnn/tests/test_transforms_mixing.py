"""Erased rectangles, mixup and CutMix."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data.augment import AugmentConfig
from src.data.erasing import box_mask, cutout_boxes, erase, erasing_boxes
from src.data.mixing import Mixing, Plan, patch_boxes
from tests.drawn_bytes import random_images


unit = st.floats(0, 1, exclude_max=True, width=32)


def plan(share: list[float], patch: list[bool], centre=(0.5, 0.5)) -> Plan:
    n = len(share)
    shares = torch.tensor(share, dtype=torch.float64)
    centres = torch.tensor(centre, dtype=torch.float64).expand(n, 2)
    return Plan(torch.arange(n), shares, torch.tensor(patch), centres)


def test_erase_blanks_the_box_pixel_by_pixel():
    images = random_images(4, 2, 5, 6) + 1
    boxes = torch.tensor([[1, 2, 3, 5], [-2, -1, 2, 9], [0, 0, 0, 6], [3, 3, 2, 4]])
    out = erase(images, boxes, 0.25)
    for i, (top, left, bottom, right) in enumerate(boxes.tolist()):
        for y, x in np.ndindex(5, 6):
            inside = top <= y < bottom and left <= x < right
            wanted = torch.full((2,), 0.25) if inside else images[i, :, y, x]
            assert torch.equal(out[i, :, y, x], wanted)


@pytest.mark.spec("CNN-051", "a square about any pixel, cut off at the border")
@pytest.mark.parametrize("side", [1, 2, 5, 20])
def test_cutout_is_a_square_about_its_centre(side):
    place = torch.arange(6) / 6 + 0.01
    boxes = cutout_boxes(place, place.flip(0), side, (6, 6))
    assert (boxes[:, 2:] - boxes[:, :2]).unique().tolist() == [side]
    assert (boxes[:, 0] + side // 2).tolist() == [0, 1, 2, 3, 4, 5]
    assert (boxes[:, 1] + side // 2).tolist() == [5, 4, 3, 2, 1, 0]


@pytest.mark.spec("CNN-051", "inside the image, of 2 to 40 % of its area")
@given(unit, unit, unit, unit, st.integers(1, 40), st.integers(1, 40))
def test_an_erased_rectangle_lies_inside(area, aspect, down, right, height, width):
    numbers = (torch.tensor([v]) for v in (area, aspect, down, right))
    top, left, bottom, edge = erasing_boxes(*numbers, (height, width))[0].tolist()
    assert 0 <= top < bottom <= height and 0 <= left < edge <= width


def test_the_area_and_aspect_of_erasing_are_those_of_the_paper():
    a = torch.linspace(0, 1, 21)[:-1]
    area, aspect = (v.flatten() for v in torch.meshgrid(a, a, indexing="ij"))
    half = torch.full_like(area, 0.5)
    boxes = erasing_boxes(area, aspect, half, half, (200, 200))
    tall, wide = (boxes[:, 2:] - boxes[:, :2]).double().unbind(1)
    free = (tall < 200) & (wide < 200)
    share = (tall * wide / 200**2)[free]
    wanted = (0.02 + 0.38 * area.double())[free]
    torch.testing.assert_close(share, wanted, atol=0.005, rtol=0)
    ratio = (tall / wide)[free].log()
    wanted = (2 * aspect.double() - 1)[free] * -np.log(0.3)
    torch.testing.assert_close(ratio, wanted, atol=0.06, rtol=0)


@pytest.mark.spec("CNN-052", "share times the first and the rest of the second")
@given(st.lists(unit, min_size=1, max_size=4))
def test_mixup_is_a_weighted_sum(shares):
    first, second = (random_images(len(shares), 2, 3, 4, seed=s) for s in (0, 5))
    mixed, share = plan(shares, [False] * len(shares)).blend(first, second)
    weight = torch.tensor(shares)[:, None, None, None]
    torch.testing.assert_close(mixed, weight * first + (1 - weight) * second)
    torch.testing.assert_close(share, torch.tensor(shares))


@pytest.mark.spec("CNN-052", "the share is the exact area that is left")
@given(unit, unit, unit, st.integers(1, 20), st.integers(1, 20))
def test_cutmix_weighs_the_label_by_the_pixels(share, down, right, height, width):
    first, second = torch.zeros(1, 1, height, width), torch.ones(1, 1, height, width)
    mixed, weight = plan([share], [True], (down, right)).blend(first, second)
    assert set(mixed.unique().tolist()) <= {0.0, 1.0}
    assert 1 - weight.item() == pytest.approx(mixed.mean().item(), abs=1e-6)
    rows, columns = mixed[0, 0].amax(1), mixed[0, 0].amax(0)
    assert torch.equal(mixed[0, 0], rows[:, None] * columns[None, :])  # a rectangle


@pytest.mark.parametrize("share", [0.0, 0.25, 0.75, 1.0])
def test_a_patch_in_the_middle_has_the_wanted_area(share):
    middle = torch.full((1, 2), 0.5).double()
    boxes = patch_boxes(torch.tensor([share]).double(), middle, (64, 48))
    area = box_mask(boxes, (64, 48)).double().mean().item()
    assert area == pytest.approx(1 - share, abs=0.03)


@pytest.mark.spec("CNN-052", "drawn from the whole split")
@pytest.mark.parametrize(
    "config", [{"mixup": 0.2}, {"cutmix": 1.0}, {"mixup": 1.0, "cutmix": 1.0}], ids=str
)
def test_plans_do_not_depend_on_the_batch(config):
    mixing = Mixing(AugmentConfig(**config), 3, 500)
    whole = mixing.plan(2, torch.arange(500))
    part = mixing.plan(2, torch.tensor([77, 3, 400]))
    for name in ("partners", "share", "patch", "centre"):
        assert torch.equal(getattr(whole, name)[[77, 3, 400]], getattr(part, name))
    assert not torch.equal(mixing.plan(3, torch.arange(500)).partners, whole.partners)
    assert len(whole.partners.unique()) > 250 and whole.partners.max() > 450


def test_a_coin_chooses_where_both_are_on():
    mixing = Mixing(AugmentConfig(mixup=0.2, cutmix=1.0), 0, 2000)
    patch = mixing.plan(0, torch.arange(2000)).patch
    assert 0.45 < patch.double().mean() < 0.55
    for name, wanted in (("mixup", False), ("cutmix", True)):
        only = Mixing(AugmentConfig(**{name: 0.5}), 0, 50).plan(0, torch.arange(50))
        assert (only.patch == wanted).all()


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_shares_are_drawn_from_beta(alpha):
    share = (
        Mixing(AugmentConfig(mixup=alpha), 0, 5000).plan(1, torch.arange(5000)).share
    )
    assert share.mean() == pytest.approx(0.5, abs=0.02)
    assert share.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.06)
    assert 0 <= share.min() < share.max() <= 1


def test_nothing_to_mix_is_an_error():
    with pytest.raises(ValueError, match="nothing to mix"):
        Mixing(AugmentConfig(), 0, 10)
