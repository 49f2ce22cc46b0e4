"""Each way in which an image file can be broken, and the sentence that names it."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from src.data.images import decode_image, read_image
from src.utils.errors import InputError
from tests.image_sets import png_bytes


RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


GREY = RGB[..., 0]


def save(path: Path, pixels: np.ndarray, mode: str | None = None, **options) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


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
