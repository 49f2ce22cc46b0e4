"""Colours and tones, beside PIL and colorsys."""

import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from src.data import colour, tones
from tests.drawn_bytes import random_images


FACTORS = torch.tensor([0.0, 0.4, 1.0, 1.7])
ENHANCERS = {
    "brightness": (colour.brightness, ImageEnhance.Brightness),
    "contrast": (colour.contrast, ImageEnhance.Contrast),
    "saturation": (colour.saturation, ImageEnhance.Color),
    "sharpness": (tones.sharpness, ImageEnhance.Sharpness),
}
CHANGES = [
    *((n, lambda x, f=f: f(x, FACTORS[: len(x)])) for n, (f, _) in ENHANCERS.items()),
    ("hue", lambda x: colour.hue(x, FACTORS[: len(x)])),
    ("grey", colour.grey),
    ("posterise", lambda x: tones.posterise(x, torch.full((len(x),), 3))),
    ("solarise", lambda x: tones.solarise(x, FACTORS[: len(x)])),
    ("autocontrast", tones.autocontrast),
    ("equalise", tones.equalise),
]


def to_pil(image: Tensor) -> Image.Image:
    return Image.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy())


def from_pil(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float64).transpose(2, 0, 1)


@pytest.mark.spec("CNN-047", "equal PIL's but for its rounding to bytes")
@pytest.mark.parametrize("name", ENHANCERS)
def test_enhancements_are_those_of_pil(name):
    ours, theirs = ENHANCERS[name]
    images = random_images(len(FACTORS), 3, 9, 7)
    for image, factor, got in zip(images, FACTORS, ours(images, FACTORS), strict=True):
        wanted = from_pil(theirs(to_pil(image)).enhance(factor.item()))
        slack = 1.01 + 0.5 * abs(1 - factor.item())  # PIL cuts off, and rounds the base
        assert np.abs(got.numpy() * 255 - wanted).max() <= slack, factor


@pytest.mark.parity("hue", "colorsys.rgb_to_hsv")
@pytest.mark.spec("CNN-047", "hue equals colorsys")
@pytest.mark.parametrize("turn", [0.0, 1 / 3, -0.1, 0.5])
def test_hue_is_that_of_colorsys_pixel_by_pixel(turn, parity):
    images = random_images(1, 3, 6, 5).double()
    images[:, :, 0] = 0.4  # grey has no hue
    out = colour.hue(images, torch.tensor([turn], dtype=torch.float64))
    for place in np.ndindex(6, 5):
        h, s, v = colorsys.rgb_to_hsv(*images[0, :, *place].tolist())
        wanted = colorsys.hsv_to_rgb((h + turn) % 1, s, v)
        parity.value(out[0, :, *place].tolist(), wanted, atol=1e-9)


@pytest.mark.parity("posterise", "PIL.ImageOps.posterize")
@pytest.mark.spec("CNN-047", "tones equal PIL's")
@pytest.mark.parametrize("bits", range(9))
def test_posterise_is_that_of_pil(bits, parity):
    image = random_images(1, 3, 8, 8)
    got = (tones.posterise(image, torch.tensor([bits])) * 255).round()[0]
    wanted = ImageOps.posterize(to_pil(image[0]), bits) if bits else None
    parity.value(got, from_pil(wanted) if bits else np.zeros_like(got), atol=0)


@pytest.mark.parity("solarise", "PIL.ImageOps.solarize")
@pytest.mark.parametrize("threshold", [0, 1, 100, 255])
def test_solarise_is_that_of_pil(threshold, parity):
    image = random_images(1, 3, 8, 8)
    got = tones.solarise(image, torch.tensor([threshold / 255]))[0]
    wanted = from_pil(ImageOps.solarize(to_pil(image[0]), threshold))
    parity.value((got * 255).round(), wanted, atol=0)


@pytest.mark.parity("equalise", "PIL.ImageOps.equalize")
@pytest.mark.parametrize("size", [(8, 8), (40, 40)], ids=str)
def test_equalise_and_autocontrast_are_those_of_pil(size, parity):
    images = random_images(3, 3, *size)
    images[0] = (images[0] * 50).round() / 255  # few tones
    images[1, 1] = 0.2  # a constant channel
    equal, stretched = tones.equalise(images), tones.autocontrast(images)
    for image, even, wide in zip(images, equal, stretched, strict=True):
        wanted = from_pil(ImageOps.equalize(to_pil(image)))
        parity.value((even * 255).round(), wanted, atol=0)
        wanted = from_pil(ImageOps.autocontrast(to_pil(image)))
        assert np.abs(wide.numpy() * 255 - wanted).max() <= 1.01


@given(st.integers(0, 99), st.sampled_from([1, 3]))
def test_factor_one_and_a_whole_turn_change_nothing(seed, channels):
    images, one = random_images(2, channels, 4, 5, seed=seed), torch.ones(2)
    for change, _ in ENHANCERS.values():
        torch.testing.assert_close(change(images, one), images)
    torch.testing.assert_close(colour.hue(images, one), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(2, 1, 5, 4), (2, 3, 1, 1), (0, 3, 4, 4)], ids=str)
@pytest.mark.parametrize(("name", "change"), CHANGES)
def test_any_shape_stays_in_range_and_the_input_as_it_is(name, change, shape):
    images = random_images(*shape)
    before = images.clone()
    out = change(images)
    assert torch.equal(images, before)
    assert out.shape[2:] == images.shape[2:] and len(out) == len(images)
    assert not len(out) or 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize("change", [colour.saturation, colour.hue])
def test_one_channel_has_no_colour(change):
    images = random_images(2, 1, 4, 4)
    assert torch.equal(change(images, torch.tensor([0.3, 0.6])), images)


def test_an_image_does_not_see_the_others():
    images = random_images(4, 3, 6, 6)
    for name, change in CHANGES:
        if name in ENHANCERS or name == "solarise":
            continue  # these have a factor for each place in the batch
        alone = torch.cat([change(images[i : i + 1]) for i in (0,)])
        torch.testing.assert_close(change(images)[:1], alone)
    together = colour.contrast(images, FACTORS)
    alone = [colour.contrast(images[i : i + 1], FACTORS[i : i + 1]) for i in range(4)]
    torch.testing.assert_close(together, torch.cat(alone))
