"""Laws of the geometric transforms: image and target agree, no value is new."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.data import transforms as T
from src.data.augment import Augment, AugmentConfig, augment_rng
from src.data.info import IGNORE_INDEX
from src.data.intensity import cutout
from tests.test_transforms import coordinates, sample


GEOMETRIC = {
    "flip_horizontal": lambda i, t, g: T.flip_horizontal(i, t),
    "flip_vertical": lambda i, t, g: T.flip_vertical(i, t),
    "rot90": lambda i, t, g: T.rot90(i, t, int(g.integers(4))),
    "affine": lambda i, t, g: T.affine(
        i,
        t,
        degrees=g.uniform(-180, 180),
        scale=g.uniform(0.5, 2),
        shear=g.uniform(-40, 40),
        translate=(g.uniform(-3, 3), g.uniform(-3, 3)),
    ),
    "elastic": lambda i, t, g: T.elastic(i, t, g, alpha=20.0, sigma=2.0),
    "pad": lambda i, t, g: T.pad(i, t, tuple(g.integers(1, 20, 2).tolist())),
    "random_crop": lambda i, t, g: T.random_crop(
        i, t, g, tuple(g.integers(1, 12, 2).tolist())
    ),
    "balanced_crop": lambda i, t, g: T.balanced_crop(
        i, t, g, tuple(g.integers(1, 12, 2).tolist())
    ),
    "resize": lambda i, t, g: T.resize(i, t, tuple(g.integers(1, 20, 2).tolist())),
    "cutout": lambda i, t, g: cutout(i, t, g, int(g.integers(0, 6))),
}


@pytest.mark.spec("SEG-040", "Image and target move together")
@pytest.mark.parametrize("name", [name for name in GEOMETRIC if name != "cutout"])
@pytest.mark.parametrize("size", [(15, 15), (9, 14), (1, 8), (1, 1)])
def test_the_image_moves_with_its_target(name, size):
    image, target = coordinates(*size)
    for seed in range(4):
        new_image, new_target = GEOMETRIC[name](
            image, target, np.random.default_rng(seed)
        )
        kept = new_target != IGNORE_INDEX
        place = torch.stack([new_target // size[1], new_target % size[1]])
        off = (new_image - place).abs()[:, kept]
        # between the new pixel and the nearest old one lies at most half of the larger
        larger = torch.tensor(size) / torch.tensor(new_target.shape)
        allowed = 0.5 * larger.clamp(min=1) if name == "resize" else 0.5 * torch.ones(2)
        if name in ("affine", "elastic", "resize"):
            assert (off <= allowed[:, None].double() + 1e-5).all()
        else:
            assert (off == 0).all()


@pytest.mark.spec("SEG-041", "A target never gains a value that it did not have")
@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.sampled_from(sorted(GEOMETRIC)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 99),
)
def test_no_new_target_values(name, size, seed):
    image, target = sample(*size, seed=seed)
    target = torch.tensor([0, 3, 7, 200])[target]
    before = image.clone(), target.clone()
    new_image, new_target = GEOMETRIC[name](image, target, np.random.default_rng(seed))
    assert new_target.dtype == torch.int64 and new_image.dtype == image.dtype
    assert new_image.shape[1:] == new_target.shape
    assert set(new_target.unique().tolist()) <= {
        *target.unique().tolist(),
        IGNORE_INDEX,
    }
    assert 0 <= new_image.min() and new_image.max() <= 1
    assert torch.equal(image, before[0]) and torch.equal(target, before[1])


def test_laws_of_groups():
    image, target = sample(5, 8)
    for flip in (T.flip_horizontal, T.flip_vertical):
        twice = flip(*flip(image, target))
        assert torch.equal(twice[0], image) and torch.equal(twice[1], target)
    turned = (image, target)
    for _ in range(4):
        turned = T.rot90(*turned, 1)
    assert torch.equal(turned[0], image) and torch.equal(turned[1], target)


def test_parameters_of_no_change_give_back_the_very_input():
    image, target = sample(5, 8)
    rng = np.random.default_rng(0)
    for result in (
        T.affine(image, target),
        T.elastic(image, target, rng, alpha=0.0, sigma=3.0),
        T.pad(image, target, (5, 2)),
        T.resize(image, target, (5, 8)),
    ):
        assert result[0] is image and result[1] is target


def test_a_random_resize_has_one_factor_for_both_sides_below_and_above_one():
    image, target = coordinates(40, 60)
    augment = Augment(AugmentConfig(crop=12, resize=1.0))
    steps = []
    for index in range(40):
        new, labels = augment(image, target, augment_rng(0, 0, index))
        down = (new[0, 8, 6] - new[0, 3, 6]).item() / 5  # old pixels a new one
        right = (new[1, 6, 8] - new[1, 6, 3]).item() / 5
        assert down == pytest.approx(right, rel=0.1)
        assert labels.shape == new.shape[1:] == (12, 12)
        steps.append(down)
    assert 0.45 < min(steps) < 0.6 and 1.7 < max(steps) < 2.1


def test_a_random_resize_needs_a_crop():
    with pytest.raises(ValueError, match=r"^resize is 0\.5; it needs crop"):
        AugmentConfig(resize=0.5)
