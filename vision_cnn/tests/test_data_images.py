"""One image file as pixels: every kind, upright, at the size asked for."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from src.data.images import decode_image, read_image
from tests.image_sets import png_bytes, square


RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = RGB[..., 0]


def save(path: Path, pixels: np.ndarray, mode: str | None = None, **options) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def planes(pixels: np.ndarray) -> np.ndarray:
    return np.atleast_3d(pixels).transpose(2, 0, 1)


@pytest.mark.spec("CNN-038", "every lossless kind")
@pytest.mark.parametrize("kind", ("png", "bmp", "tif", "ppm", "gif", "webp"))
def test_lossless_formats_give_their_pixels(tmp_path, kind):
    options = {"lossless": True} if kind == "webp" else {}
    pixels = GREY if kind == "gif" else RGB
    path = save(tmp_path / f"a.{kind}", pixels, **options)
    read = read_image(path, 1 if kind == "gif" else 3)
    assert read.dtype == torch.uint8 and read.is_contiguous()
    np.testing.assert_array_equal(read.numpy(), planes(pixels))


def test_a_jpeg_is_near(tmp_path):
    path = save(tmp_path / "a.jpeg", square(100, 16, 16), quality=95)
    assert abs(int(read_image(path, 3)[1, 12, 12]) - 100) <= 2


LUMA = (RGB @ np.array([0.299, 0.587, 0.114])).round()
KINDS = {
    "grey": (lambda p: save(p, GREY), GREY, np.stack([GREY] * 3, -1)),
    "colour": (lambda p: save(p, RGB), LUMA, RGB),
    "palette": (
        lambda p: Image.fromarray(RGB).quantize(256, dither=0).save(p) or p,
        None,
        RGB,
    ),
    "alpha": (
        lambda p: save(p, np.dstack([RGB, GREY // 2])),
        LUMA,
        RGB,
    ),
    "grey and alpha": (lambda p: save(p, np.dstack([GREY, GREY])), GREY, None),
    "bits": (lambda p: save(p, GREY > 99), (GREY > 99) * 255, None),
    "16 bits": (lambda p: save(p, GREY * np.uint16(257)), GREY, None),
    "16 bits of colour": (
        lambda p: (
            p.write_bytes(
                png_bytes(
                    7,
                    5,
                    16,
                    2,
                    b"".join(
                        b"\0" + (row * np.uint16(257)).astype(">u2").tobytes()
                        for row in RGB
                    ),
                )
            )
            and p
        ),
        LUMA,
        RGB,
    ),
}


@pytest.mark.spec("CNN-038", "in one or three channels")
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_png_is_read_as_grey_and_as_colour(tmp_path, kind):
    make, grey, colour = KINDS[kind]
    path = make(tmp_path / "a.png")
    one, three = read_image(path, 1).numpy(), read_image(path, 3).numpy()
    if grey is not None:
        np.testing.assert_allclose(one, planes(grey), atol=1)
    if colour is not None:
        np.testing.assert_array_equal(three, planes(colour))
    else:
        np.testing.assert_array_equal(three, np.repeat(one, 3, 0))


@pytest.mark.spec("CNN-038", "upright")
@pytest.mark.parametrize("turn, code", [(1, 6), (2, 3), (3, 8)])
def test_a_photograph_is_turned_as_its_exif_says(tmp_path, turn, code):
    exif = Image.Exif()
    exif[274] = code
    path = save(tmp_path / "a.png", np.rot90(RGB, turn).copy(), exif=exif)
    np.testing.assert_array_equal(read_image(path, 3).numpy(), planes(RGB))


def test_cmyk_becomes_rgb(tmp_path):
    path = save(tmp_path / "a.tif", square(100, 16, 16), "CMYK")
    assert abs(int(read_image(path, 3)[1, 12, 12]) - 100) <= 1


@pytest.mark.spec("CNN-039", "the largest centred piece")
def test_size_cuts_the_centre_and_scales_it():
    noise = np.random.default_rng(0).integers(0, 256, (8, 24), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).save(data, "PNG")
    scaled = np.asarray(Image.fromarray(noise).resize((12, 4), Image.BILINEAR))
    square_piece = decode_image(data.getvalue(), "a", 1, 4)
    assert abs(square_piece[0].astype(int) - scaled[:, 4:8]).max() <= 1
    np.testing.assert_array_equal(
        decode_image(data.getvalue(), "a", 1, (8, 12))[0], noise[:, 6:18]
    )
    assert decode_image(data.getvalue(), "a", 3, 5).shape == (3, 5, 5)


@pytest.mark.spec("CNN-039", "the largest centred piece")
def test_scaling_down_averages_and_scaling_up_keeps_a_constant():
    data = io.BytesIO()
    Image.fromarray((np.indices((32, 32)).sum(0) % 2 * 200).astype("u1")).save(
        data, "PNG"
    )
    inner = decode_image(data.getvalue(), "a", 1, 8)[0, 1:-1, 1:-1]
    assert (abs(inner.astype(int) - 100) <= 8).all()  # not 0 or 200: antialiased
    data = io.BytesIO()
    Image.new("L", (3, 2), 77).save(data, "PNG")
    assert (decode_image(data.getvalue(), "a", 1, 50) == 77).all()


@pytest.mark.spec("CNN-039", "the largest centred piece")
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 20), st.integers(1, 20))
def test_any_size_comes_out_as_asked_for(height, width, h, w):
    data = io.BytesIO()
    Image.new("RGB", (width, height), (9, 8, 7)).save(data, "PNG")
    pixels = decode_image(data.getvalue(), "a", 3, (h, w))
    assert pixels.shape == (3, h, w)
    assert (pixels == np.array([9, 8, 7])[:, None, None]).all()


def test_a_thread_of_pixels_does_not_become_a_giant():
    data = io.BytesIO()
    Image.new("L", (60_000, 1), 5).save(data, "PNG")
    assert decode_image(data.getvalue(), "a", 1, 64).shape == (1, 64, 64)


def test_a_large_jpeg_is_decoded_at_a_fraction_with_the_same_look(tmp_path):
    rows, columns = np.indices((1200, 1600))
    slope = (rows / 10 + columns / 16).astype(np.uint8)
    path = save(tmp_path / "a.jpg", np.dstack([slope] * 3), quality=95)
    small = read_image(path, 1, 32).numpy()[0].astype(int)
    full = Image.open(path).convert("L").resize((32, 32), 2, box=(200, 0, 1400, 1200))
    assert abs(small - np.asarray(full).astype(int)).max() <= 2
