"""Crop, flip, normalise bytes, and the statistics that normalise."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data.info import DataInfo
from src.data.moments import moments
from src.data.transforms import crop, flip_horizontal, mirror, to_input
from src.utils.contracts import ContractError
from tests.drawn_bytes import integers, random_bytes


SIZES = [(8, 8), (5, 7), (1, 1), (1, 4), (2, 2)]
FILLS = {"reflect": "reflect", "zero": "constant"}


@pytest.mark.parity("crop and flip", "numpy.pad, cut and mirrored")
@pytest.mark.spec("CNN-045", "Crop and flip equal padding, cutting and mirroring")
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("pad", [0, 1, 3, 20])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_crop_and_flip_are_those_of_numpy_image_by_image(size, pad, fill, parity):
    images = random_bytes(6, 3, *size)
    top, left, flip = integers(6, 2 * pad + 1), integers(6, 2 * pad + 1), integers(6, 2)

    out = crop(images, top, left, flip.bool(), pad=pad, fill=fill)

    for image, y, x, mirrored, got in zip(images, top, left, flip, out, strict=True):
        padding = ((0, 0), (pad, pad), (pad, pad))
        wide = np.pad(image.numpy(), padding, FILLS[fill])
        wanted = wide[:, y : y + size[0], x : x + size[1]]
        wanted = wanted[:, :, ::-1] if mirrored else wanted
        parity.value(got, wanted, atol=0)


@pytest.mark.parametrize("fill", FILLS)
def test_the_crop_at_pad_is_the_image(fill):
    images, corner = random_bytes(4, 1, 6, 5), torch.full((4,), 3)
    assert torch.equal(crop(images, corner, corner, pad=3, fill=fill), images)


@pytest.mark.parametrize("fill", FILLS)
def test_an_empty_batch_stays_empty(fill):
    images, none = random_bytes(0, 3, 4, 4), torch.zeros(0, dtype=torch.long)
    assert crop(images, none, none, pad=2, fill=fill).shape == images.shape
    assert flip_horizontal(images, none.bool()).shape == images.shape


@pytest.mark.parametrize("corner", [-1, 5])
def test_a_corner_outside_the_padding_is_an_error(corner):
    fine, wrong = torch.tensor([0]), torch.tensor([corner])
    with pytest.raises(ValueError, match=f"left is {corner} .*with pad 2 it is 0 to 4"):
        crop(random_bytes(1, 1, 4, 4), fine, wrong, pad=2)


def test_crop_reads_images_that_are_not_contiguous():
    images = random_bytes(3, 8, 6, 2).permute(0, 3, 1, 2)
    top = left = torch.tensor([0, 1, 2])
    out = crop(images, top, left, pad=1)
    assert torch.equal(out, crop(images.contiguous(), top, left, pad=1))


def test_crop_leaves_its_input_alone():
    images = random_bytes(3, 1, 4, 4)
    before = images.clone()
    crop(images, *[torch.tensor([0, 1, 2])] * 2, pad=1)
    flip_horizontal(images, torch.tensor([True, False, True]))
    assert torch.equal(images, before)


def test_floats_are_refused():
    with pytest.raises(ContractError, match="images"):
        crop(torch.rand(1, 1, 4, 4), *[torch.tensor([0])] * 2, pad=1)


@given(st.lists(st.booleans(), max_size=5), st.integers(1, 3), st.integers(1, 9))
def test_to_flip_twice_is_to_do_nothing(flags, channels, width):
    images, flags = random_bytes(len(flags), channels, 3, width), torch.tensor(flags)
    flags = flags.bool()
    once = flip_horizontal(images, flags)
    assert torch.equal(once[flags], images[flags].flip(-1))
    assert torch.equal(once[~flags], images[~flags])
    assert torch.equal(flip_horizontal(once, flags), images)


@given(st.integers(-50, 50), st.integers(1, 9))
def test_mirror_walks_to_and_fro(place, size):
    walk = [*range(size), *range(size - 2, 0, -1)]
    assert mirror(torch.tensor([place]), size).item() == walk[place % len(walk)]


@pytest.mark.spec("CNN-050", "Augmentation that is off gives what `DataInfo.normalise`")
def test_bytes_are_normalised_as_the_information_says():
    mean, std = (0.5, 0.25, 0.1), (0.2, 0.3, 0.7)
    info = DataInfo(3, 4, 5, ("a",), mean, std, (1,), "")
    images = random_bytes(7, 3, 4, 5)
    wanted = info.normalise(images.float() / 255)
    torch.testing.assert_close(to_input(images, mean, std), wanted, rtol=0, atol=1e-6)


@pytest.mark.spec("CNN-050", "the mean and deviation of all training pixels")
@pytest.mark.parametrize("chunk", [1, 7, 1024])
def test_moments_are_those_of_all_pixels(chunk):
    images = random_bytes(30, 3, 5, 4) // torch.tensor([1, 2, 5]).view(3, 1, 1)
    mean, std = moments(images.to(torch.uint8), chunk=chunk)
    pixels = images.double().numpy() / 255
    np.testing.assert_allclose(mean, pixels.mean((0, 2, 3)), rtol=1e-14)
    np.testing.assert_allclose(std, pixels.std((0, 2, 3)), rtol=1e-12)


def test_the_deviation_is_not_the_mean_of_that_of_each_image():
    images = (50 * torch.arange(4, dtype=torch.uint8)).view(4, 1, 1, 1)
    images = images.expand(4, 1, 3, 3)
    _, std = moments(images)
    assert std[0] == pytest.approx(np.std([0, 50, 100, 150]) / 255)


def test_a_constant_channel_has_deviation_one_and_no_image_is_an_error():
    constant = torch.full((3, 1, 2, 2), 51, dtype=torch.uint8)
    assert moments(constant) == ([0.2], [1.0])
    with pytest.raises(ValueError, match="no image"):
        moments(constant[:0])
