"""One image file as pixels, and each way in which one can be broken."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from src.data.images import decode_image, read_image
from src.utils.errors import InputError
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


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def cut_png(path: Path) -> Path:
    data = save(path, np.random.default_rng(0).integers(0, 255, (64, 64)).astype("u1"))
    return write(path, data.read_bytes()[: len(data.read_bytes()) // 2])


def two_pages(path: Path) -> Path:
    page = Image.fromarray(GREY)
    page.save(path, format="TIFF", save_all=True, append_images=[page])
    return path


def link(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path


def long_file(path: Path) -> Path:
    path.touch()
    os.truncate(path, 2**26 + 1)
    return path


BROKEN = {
    "empty": (lambda p: write(p, b""), r"is empty \(0 bytes\)"),
    "text": (lambda p: write(p, b"hello"), "not a PNG, JPEG.*begins with b'hello'"),
    "lfs": (lambda p: write(p, b"version https://git-lfs.github.com/"), "git lfs pull"),
    "svg": (lambda p: write(p, b"<svg></svg>"), "not a PNG, JPEG"),
    "cut": (cut_png, "is damaged and cannot be decoded"),
    "bomb": (lambda p: write(p, png_bytes(20000, 20000, 1, 0, b"")), "more than 89,4"),
    "large": (lambda p: write(p, png_bytes(11000, 9000, 1, 0, b"")), "is 11000x9000"),
    "pages": (two_pages, "holds 2 pictures"),
    "float": (
        lambda p: save(p, np.ones((2, 2), np.float32), format="TIFF"),
        "has float pixels",
    ),
    "32-bit": (
        lambda p: save(p, np.ones((2, 2), np.int32), format="TIFF"),
        "has 32-bit integer pixels",
    ),
    "long": (long_file, "is larger than 67,108,864 bytes"),
    "missing": (lambda p: p, "no such file"),
    "folder": (lambda p: p.mkdir() or p, "is not a regular file"),
    "pipe": (lambda p: os.mkfifo(p) or p, "is not a regular file"),
    "dangling": (lambda p: link(p, "nowhere.png"), "is a link to nowhere.png"),
    "loop": (lambda p: link(p, p.name), "link"),
    "line\nbreak": (lambda p: write(p, b""), r"line\\nbreak.*is empty"),
}


@pytest.mark.spec("CNN-038", "ends in one sentence that names it")
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_named_with_its_fault(tmp_path, kind):
    make, words = BROKEN[kind]
    path = make(tmp_path / f"{kind}.png")
    with pytest.raises(InputError, match=words) as caught:
        read_image(path, 3)
    assert kind.split("\n")[0] in str(caught.value)
    assert "\n" not in str(caught.value) and "BytesIO" not in str(caught.value)


@pytest.mark.spec("CNN-038", "ends in one sentence that names it")
@given(st.integers(0, 2**32 - 1))
def test_a_damaged_file_gives_pixels_or_a_sentence_and_nothing_else(seed):
    rng = np.random.default_rng(seed)
    kinds = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM")
    data = io.BytesIO()
    image = Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8))
    image.save(data, kinds[seed % len(kinds)])
    changed = bytearray(data.getvalue())
    for at in rng.integers(0, len(changed), 4):
        changed[at] ^= 1 << int(rng.integers(8))
    try:
        assert decode_image(bytes(changed), "a.png", 3, 8).shape == (3, 8, 8)
    except InputError as error:
        assert str(error).startswith("a.png: ")


def test_a_wrong_number_of_channels_is_a_fault_of_the_program():
    with pytest.raises(ValueError, match="channels is 2; 1 or 3"):
        decode_image(b"", "a", 2)
