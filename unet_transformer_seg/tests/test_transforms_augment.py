"""Transforms of intensity against independent references, and `Augment`."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from src.data import intensity
from src.data.augment import Augment, AugmentConfig, augment_rng
from src.data.info import IGNORE_INDEX
from src.data.toy import ToyConfig
from src.data.toy_shapes import ToyShapes


ndimage = pytest.importorskip("scipy.ndimage")
rgb2gray = pytest.importorskip("skimage.color").rgb2gray
adjust_gamma = pytest.importorskip("skimage.exposure").adjust_gamma

EVERYTHING = AugmentConfig(
    flips=True,
    rot90=True,
    crop=24,
    balanced_crop=0.5,
    probability=0.8,
    resize=0.5,
    degrees=30.0,
    scale=0.3,
    shear=10.0,
    translate=0.1,
    elastic_alpha=60.0,
    elastic_sigma=6.0,
    brightness=0.2,
    contrast=0.3,
    saturation=0.5,
    gamma=0.5,
    blur=1.0,
    noise=0.1,
    cutout=8,
)


def picture(height: int = 12, width: int = 15, channels: int = 3) -> torch.Tensor:
    drawn = np.random.default_rng(1).random((channels, height, width))
    return torch.from_numpy(drawn)


def test_intensity_by_hand_and_by_reference():
    image = picture()
    array = image.numpy()
    means = array.mean((1, 2), keepdims=True)
    grey = array[0] * 0.299 + array[1] * 0.587 + array[2] * 0.114
    cases = [
        (intensity.brightness(image, 0.3), array + 0.3),
        (intensity.brightness(image, -0.3), array - 0.3),
        (intensity.contrast(image, 1.6), means + 1.6 * (array - means)),
        (intensity.contrast(image, 0.0), means + 0 * array),
        (intensity.saturation(image, 0.0), np.stack([grey] * 3)),
        (intensity.saturation(image, 1.5), grey + 1.5 * (array - grey)),
        (intensity.gamma(image, 0.6), adjust_gamma(array, 0.6)),
        (intensity.blur(image, 1.3), ndimage.gaussian_filter(array, (0, 1.3, 1.3))),
    ]
    for result, expected in cases:
        np.testing.assert_allclose(result, np.clip(expected, 0, 1), atol=1e-12)


def test_the_grey_of_grey_is_itself():
    grey = picture(channels=1).expand(3, -1, -1)
    torch.testing.assert_close(intensity.saturation(grey, 0.0), grey)
    assert rgb2gray(grey.permute(1, 2, 0).numpy()) == pytest.approx(grey[0].numpy())
    single = picture(channels=1)
    assert intensity.saturation(single, 0.0) is single


def test_noise_has_the_spread_it_is_given():
    image = torch.full((3, 64, 64), 0.5, dtype=torch.float64)
    added = intensity.noise(image, np.random.default_rng(0), 0.05) - image
    assert added.std().item() == pytest.approx(0.05, rel=0.03)
    assert abs(added.mean().item()) < 0.002
    neighbours = torch.corrcoef(added.reshape(3, -1))
    assert (neighbours - torch.eye(3)).abs().max() < 0.05


@pytest.mark.spec("SEG-041", "except IGNORE_INDEX (255) on invented or erased pixels")
def test_cutout_ignores_exactly_what_it_erases():
    image, target = picture(9, 20), torch.zeros(9, 20, dtype=torch.int64)
    rng = np.random.default_rng(0)
    areas = []
    for _ in range(60):
        new_image, new_target = intensity.cutout(image, target, rng, 5)
        erased = (new_image != image).any(0)
        assert torch.equal(erased, new_target == IGNORE_INDEX)
        mean = image.mean((1, 2))[:, None].expand(3, int(erased.sum()))
        torch.testing.assert_close(new_image[:, erased], mean)
        areas.append(int(erased.sum()))
    assert max(areas) == 25 and min(areas) >= 9


def test_no_change_gives_back_the_very_image():
    image, rng = picture(), np.random.default_rng(0)
    for result in (
        intensity.brightness(image, 0.0),
        intensity.contrast(image, 1.0),
        intensity.saturation(image, 1.0),
        intensity.gamma(image, 1.0),
        intensity.blur(image, 0.0),
        intensity.noise(image, rng, 0.0),
        intensity.cutout(image, torch.zeros(12, 15, dtype=torch.int64), rng, 0)[0],
    ):
        assert result is image


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda i, g: intensity.gamma(i, 0.0), "exponent is 0.0"),
        (lambda i, g: intensity.noise(i, g, -0.1), "spread is -0.1"),
        (lambda i, g: intensity.cutout(i, i[0].long(), g, -2), "side is -2"),
    ],
)
def test_a_wrong_parameter_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(picture(), np.random.default_rng(0))


@pytest.mark.spec("SEG-043", "gives back the input bit for bit")
def test_all_off_is_identity_and_draws_nothing():
    image, target = picture(), torch.randint(4, (12, 15))
    rng = np.random.default_rng(3)
    result = Augment(AugmentConfig())(image, target, rng)
    assert result[0] is image and result[1] is target
    assert rng.random() == np.random.default_rng(3).random()


SHAPING = {
    "probability",
    "resize",
    "elastic_sigma",
    "balanced_crop",
}  # how other fields act


@pytest.mark.parametrize(
    "field", [f.name for f in fields(AugmentConfig) if f.name not in SHAPING]
)
def test_each_field_does_something(field):
    config = AugmentConfig(**{field: getattr(EVERYTHING, field)})
    image, target = picture(32, 32), torch.randint(4, (32, 32))
    results = [Augment(config)(image, target, augment_rng(0, 0, i)) for i in range(8)]
    assert any(
        image.shape != new.shape or not torch.equal(image, new) for new, _ in results
    )
    assert len({new.numpy().tobytes() for new, _ in results}) > 1
    never = AugmentConfig(**{field: getattr(EVERYTHING, field), "probability": 0.0})
    same = Augment(never)(image, target, augment_rng(0, 0, 0))[0] is image
    assert same == (field not in ("flips", "rot90", "crop"))


def test_fields_that_shape_others_act():
    image, target = picture(64, 64), torch.zeros(64, 64, dtype=torch.int64)
    target[5, 5] = 1
    balanced = Augment(AugmentConfig(crop=8, balanced_crop=1.0))
    seen = [
        (balanced(image, target, augment_rng(0, 0, i))[1] == 1).any() for i in range(40)
    ]
    assert 10 < sum(seen) < 30
    slope = torch.arange(64.0)[:, None].expand(1, 64, 64) / 64
    for sigma in (2.0, 8.0):
        bend = Augment(AugmentConfig(elastic_alpha=20.0, elastic_sigma=sigma))
        bent, _ = bend(slope, target, augment_rng(0, 0, 0))
        shift = 64 * (bent - slope)[:, 10:-10]  # away from the mirrored border
        expected = 0.16 * 20.0 / sigma
        assert shift.square().mean().sqrt().item() == pytest.approx(expected, rel=0.4)


@pytest.mark.spec("SEG-044", "a pure function of the sample, the seed, the epoch")
def test_augmentation_is_keyed():
    data = ToyShapes(ToyConfig(), "train", 7, Augment(EVERYTHING))
    first = {key: data[key] for key in [(0, 3), (1, 3), (0, 4)]}
    for key in reversed(first):
        again = data[key]
        assert torch.equal(again["image"], first[key]["image"])
        assert torch.equal(again["target"], first[key]["target"])
    assert not torch.equal(first[0, 3]["image"], first[1, 3]["image"])


@pytest.mark.parametrize("size", [(40, 40), (33, 50), (5, 60), (1, 1)])
def test_everything_at_once_keeps_the_laws(size):
    target = torch.randint(3, size)
    for index in range(10):
        image, new = Augment(EVERYTHING)(
            picture(*size).float(), target, augment_rng(0, 0, index)
        )
        assert image.shape == (3, 24, 24) and image.dtype == torch.float32
        assert new.shape == (24, 24) and new.dtype == torch.int64
        assert set(new.unique().tolist()) <= {0, 1, 2, IGNORE_INDEX}
        assert 0 <= image.min() and image.max() <= 1


def test_a_warped_crop_lies_where_the_plain_one_would():
    image, target = picture(40, 50), torch.arange(2000).reshape(40, 50)
    for index in range(5):
        plain, warped = (
            Augment(AugmentConfig(crop=8, degrees=degrees))(
                image, target, augment_rng(0, 0, index)
            )
            for degrees in (0.0, 1e-6)
        )
        torch.testing.assert_close(warped[0], plain[0], atol=1e-5, rtol=0)
        assert torch.equal(warped[1], plain[1])


def test_a_warped_crop_sees_the_image_around_it():
    image, target = picture(64, 64), torch.zeros(64, 64, dtype=torch.int64)
    config = AugmentConfig(crop=16, degrees=30.0, probability=1.0)
    ignored = 0
    for index in range(40):
        _, new = Augment(config)(image, target, augment_rng(0, 0, index))
        ignored += int((new == IGNORE_INDEX).sum())
    assert ignored < 0.02 * 40 * 256  # only windows at the border reach outside


def test_a_sample_that_is_not_square_keeps_its_sides():
    turn = Augment(AugmentConfig(rot90=True))
    for index in range(8):
        image, target = turn(
            picture(6, 9),
            torch.zeros(6, 9, dtype=torch.int64),
            augment_rng(0, 0, index),
        )
        assert image.shape == (3, 6, 9) and target.shape == (6, 9)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("crop", -1),
        ("balanced_crop", 1.5),
        ("probability", -0.1),
        ("degrees", 181.0),
        ("scale", -0.2),
        ("shear", 61.0),
        ("elastic_sigma", 0.0),
        ("noise", float("nan")),
    ],
)
def test_a_field_out_of_range_is_named_with_its_value(field, value):
    with pytest.raises(ValueError, match=rf"^{field} is {value}; from "):
        AugmentConfig(**{field: value})
