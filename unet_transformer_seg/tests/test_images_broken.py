"""Every way in which an image file can be broken ends in a sentence that names it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from src.data.images import read_mask, read_pixels
from src.utils.errors import InputError
from tests.image_files import png_bytes, save


GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def cut_png(path: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    data = save(path, noise).read_bytes()
    return write(path, data[: len(data) // 2])


def two_pages(path: Path) -> Path:
    page = Image.fromarray(GREY)
    page.save(path, format="TIFF", save_all=True, append_images=[page])
    return path


def link(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


BROKEN = {
    "empty": (lambda p: write(p, b""), "is empty"),
    "text": (lambda p: write(p, b"hello"), "not a PNG, JPEG or TIFF.*hello"),
    "lfs": (
        lambda p: write(p, b"version https://git-lfs.github.com/spec/v1\n"),
        "git lfs pull",
    ),
    "gif": (lambda p: write(p, b"GIF89a" + bytes(20)), "not a PNG, JPEG or TIFF"),
    "cut": (cut_png, "is damaged and cannot be decoded"),
    "bomb": (
        lambda p: write(p, png_bytes(20000, 20000, 1, 0, b"")),
        "more than 89,478,485 pixels",
    ),
    "large": (
        lambda p: write(p, png_bytes(11000, 11000, 1, 0, b"")),
        "is 11000x11000 and has more than",
    ),
    "pages": (two_pages, "holds 2 pictures"),
    "float": (
        lambda p: save(p, np.ones((2, 2), np.float32), format="TIFF"),
        "has float pixels|of type F",
    ),
    "missing": (lambda p: p, "no such file"),
    "folder": (folder, "is not a regular file"),
    "dangling": (lambda p: link(p, "nowhere.png"), "is a link to nowhere.png"),
    "loop": (lambda p: link(p, p.name), "link|symbolic"),
}


@pytest.mark.spec("SEG-027", "one sentence that names it")
@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("read", [read_pixels, read_mask])
def test_a_broken_file_is_named_with_its_fault(tmp_path, kind, read):
    make, words = BROKEN[kind]
    path = make(tmp_path / f"{kind}.png")
    with pytest.raises(InputError, match=words) as caught:
        read(path)
    assert f"{kind}.png" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.spec("SEG-027", "one sentence that names it")
@given(st.integers(0, 2**32 - 1))
def test_a_damaged_file_gives_pixels_or_a_sentence_and_nothing_else(
    tmp_path_factory, seed
):
    rng = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("flip") / "a.png"
    kind = ("PNG", "JPEG", "TIFF")[seed % 3]
    save(path, rng.integers(0, 255, (16, 16, 3), dtype=np.uint8), format=kind)
    data = bytearray(path.read_bytes())
    for at in rng.integers(0, len(data), 4):
        data[at] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)
    try:
        assert read_pixels(path).dtype in (np.uint8, np.uint16)
    except InputError as error:
        assert str(path) in str(error)


def test_a_negative_mask_value_is_refused(tmp_path):
    path = save(tmp_path / "a.tif", np.array([[-3, 0]], np.int32))
    with pytest.raises(InputError, match="a.tif: has the negative mask value -3"):
        read_mask(path)
