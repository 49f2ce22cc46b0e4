"""Images normalised and varied, against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.transforms import (
    AugmentConfig,
    augment,
    channel_statistics,
    crop,
    cut_out,
    flip,
    normalise,
    prepare_images,
    uniforms,
)
from src.utils.contracts import ContractError


FILL = np.array([9, 8, 7], np.uint8)
ALL = AugmentConfig(crop=3, flip=True, cut_out=4)


def images(count: int = 6, height: int = 8, width: int = 5) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(10, 256, (count, 3, height, width), np.uint8)


def test_normalise_is_the_formula_in_float32():
    x, mean, std = images(), [0.1, 0.5, 0.9], [0.2, 0.3, 1.0]
    wanted = (x / 255.0 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    out = normalise(x, mean, std)
    assert out.dtype == np.float32 and out.flags.c_contiguous
    np.testing.assert_allclose(out, wanted, atol=2e-6)


def test_statistics_are_exact_over_many_chunks():
    x = np.random.default_rng(1).integers(0, 256, (2500, 2, 3, 3), np.uint8)
    x[:, 1] = 77
    mean, std = channel_statistics(x)
    assert mean == pytest.approx((x / 255).mean((0, 2, 3)).tolist(), abs=1e-14)
    assert std[0] == pytest.approx((x[:, 0] / 255).std(), abs=1e-14)
    assert std[1] == 1.0  # no spread: it can still be divided by


@given(st.integers(0, 4), st.data())
def test_a_crop_is_a_window_of_the_bordered_image(border, data):
    x = images(4)
    steps = st.integers(0, 2 * border)
    shift = np.array([[data.draw(steps), data.draw(steps)] for _ in x])
    out = crop(x, shift, border, FILL)
    for image, (down, right), got in zip(x, shift, out, strict=True):
        wide = np.empty((3, 8 + 2 * border, 5 + 2 * border), np.uint8)
        for c in range(3):
            wide[c] = np.pad(image[c], border, constant_values=FILL[c])
        np.testing.assert_array_equal(got, wide[:, down : down + 8, right : right + 5])


def test_a_crop_in_the_middle_changes_nothing():
    x = images()
    np.testing.assert_array_equal(crop(x, np.full((6, 2), 3), 3, FILL), x)


def test_flip_mirrors_only_the_chosen_and_twice_is_nothing():
    x, chosen = images(), np.arange(6) % 2 == 1
    out = flip(x, chosen)
    np.testing.assert_array_equal(out[::2], x[::2])
    np.testing.assert_array_equal(out[1::2], np.flip(x[1::2], 3))
    np.testing.assert_array_equal(flip(out, chosen), x)


@given(st.integers(0, 9), st.integers(0, 7), st.integers(0, 4))
def test_a_cut_out_is_a_square_about_its_centre(size, row, column):
    x = images(1)
    out = cut_out(x, np.array([[row, column]]), size, FILL)[0]
    top, left = row - size // 2, column - size // 2
    for i in range(8):
        for j in range(5):
            inside = top <= i < top + size and left <= j < left + size
            assert (out[:, i, j] == (FILL if inside else x[0, :, i, j])).all()


@pytest.mark.spec("AGE-078", "the place of the sample alone")
@given(st.permutations(range(12)), st.integers(1, 12), st.integers(0, 2**63))
def test_a_sample_is_varied_the_same_in_any_batch(order, size, seed):
    x, places = images(12), np.arange(1000, 1012)
    together = augment(x, places, seed, 3, ALL, FILL)
    some = np.array(order[:size])
    np.testing.assert_array_equal(
        augment(x[some], places[some], seed, 3, ALL, FILL), together[some]
    )


def test_another_epoch_seed_or_place_varies_otherwise():
    x, index = images(32), np.arange(32)
    base = augment(x, index, 0, 0, ALL, FILL)
    others = [(index, 0, 1), (index, 1, 0), (index + 32, 0, 0)]
    for places, seed, epoch in others:
        other = augment(x, places, seed, epoch, ALL, FILL)
        assert (other == base).all((1, 2, 3)).mean() < 0.2


def test_without_options_nothing_is_varied():
    x = images()
    out = augment(x, np.arange(6), 0, 0, AugmentConfig(), FILL)
    np.testing.assert_array_equal(out, x)


def test_every_shift_and_side_is_drawn_equally_often():
    draws = uniforms(3, 1, np.arange(40000), 5)
    assert draws.min() >= 0 and draws.max() < 1
    for column in draws.T:
        counts = np.bincount((column * 16).astype(int))
        assert (
            (counts - 2500) ** 2 / 2500
        ).sum() < 45  # chi square, 15 degrees: p 1e-4
    assert np.abs(np.corrcoef(draws.T) - np.eye(5)).max() < 0.025
    later = [uniforms(3, e, np.arange(40000), 1)[:, 0] for e in (2, 3)]
    later.append(uniforms(4, 1, np.arange(40000), 1)[:, 0])
    for column in later:
        assert abs(np.corrcoef(draws[:, 0], column)[0, 1]) < 0.025


def test_the_blank_colour_is_the_mean_and_becomes_nearly_zero():
    x = images(4)
    out = prepare_images(
        x,
        np.arange(4),
        0,
        0,
        mean=[0.2, 0.4, 0.6],
        std=[0.5, 0.5, 0.5],
        config=AugmentConfig(cut_out=40),
    )
    assert np.abs(out).max() < 0.5 / 255 / 0.5 + 1e-6


def test_wrong_images_are_refused_by_name():
    with pytest.raises(ContractError, match="dtype is float64, not UInt8"):
        normalise(np.zeros((1, 1, 2, 2)), [0.0], [1.0])
    with pytest.raises(ContractError, match="rank is 3, not 4"):
        normalise(np.zeros((1, 2, 2), np.uint8), [0.0], [1.0])
    with pytest.raises(ValueError, match="crop = -1: must be >= 0 pixels"):
        AugmentConfig(crop=-1)
