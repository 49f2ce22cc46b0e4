"""A folder of images: its layout, its names, and what is wrong in one."""

import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from src.data.image_folder import open_image_folder
from src.data.image_layout import Place, place_images
from src.utils.errors import InputError
from tests.image_sets import pixels_of, same_source, square, write_folder


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "pets")


def opened(root, size=0, channels=3, cache=None):
    return open_image_folder(root, size, channels, cache)


def test_a_folder_is_read_in_the_order_of_its_names(root):
    source = opened(root)
    train, test = source.parts["train"], source.parts["test"]
    assert source.class_names == ("cat", "dog")
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert train.labels.dtype == torch.int64
    assert pixels_of(train).shape == (6, 3, 6, 4)
    assert pixels_of(train).dtype == np.uint8
    assert pixels_of(train)[:, 0, 3, 3].tolist() == [10, 20, 30, 40, 50, 60]
    assert pixels_of(train)[0, :, 0, 0].tolist() == [255, 0, 0]
    assert pixels_of(test)[:, 2, 5, 0].tolist() == [70, 80, 90, 100]
    assert train.names[3] == "train/dog/0.png" and len(train.images) == 6


LAYOUTS = {
    "classes alone": (["cat/0.png", "dog/0.png"], ["train cat", "train dog"]),
    "one folder above": (["x/cat/0.png", "x/dog/0.png"], ["train cat", "train dog"]),
    "folders inside": (["cat/a/0.png", "dog/b/c/0.png"], ["train cat", "train dog"]),
    "parts": (
        ["a/train/cat/0.png", "a/train/dog/0.png", "a/test/dog/0.png"],
        ["train cat", "train dog", "test dog"],
    ),
    "other names of val": (
        ["train/a/0.png", "train/b/0.png", "valid/a/0.png", "validation/b/0.png"],
        ["train a", "train b", "val a", "val b"],
    ),
    "beside the parts": (
        ["train/a/0.png", "train/b/0.png", "docs/a/0.png", "0.png", "train/1.png"],
        ["train a", "train b", None, None, None],
    ),
    "a class called train": (
        ["plane/0.png", "train/0.png", "train/1.png"],
        ["train plane", "train train", "train train"],
    ),
    "deep inside a class": (
        ["train/a/train/b/0.png", "train/c/0.png"],
        ["train a", "train c"],
    ),
}


@pytest.mark.parametrize("names, wanted", LAYOUTS.values(), ids=LAYOUTS)
def test_the_layout_is_found(names, wanted):
    places = place_images(Path("r"), names)
    found = [places.get(name) for name in names]
    assert found == [place and Place(*place.split()) for place in wanted]


@pytest.mark.spec("CNN-035", "whatever the order")
@given(st.permutations(LAYOUTS["parts"][0] + LAYOUTS["beside the parts"][0][2:]))
def test_the_layout_does_not_depend_on_the_order(names):
    ordered = place_images(Path("r"), sorted(names))
    assert place_images(Path("r"), names) == ordered


BAD_LAYOUTS = [
    ([], "r: has no image in a folder of its class that ends with .png"),
    (["0.png", "1.png"], "has no image in a folder of its class"),
    (["train/0.png"], "has images of one class only, 'train'; a classifier needs two"),
    (["a/0.png", "a/1.png"], "has images of one class only, 'a'"),
    (["test/a/0.png", "test/b/0.png"], r"has test/ but no train/; expected are train/"),
    (["x/val/a/0.png", "x/val/b/0.png"], "has val/ but no train/"),
    (
        ["train/a/0.png", "train/b/0.png", "test/c/0.png"],
        "test/ has the class 'c' but train/ has no image of it; add train/c/",
    ),
    (["a/0.png", "b/0.png", "a/0.png"], "holds a/0.png twice; keep one"),
]


@pytest.mark.parametrize("names, words", BAD_LAYOUTS)
def test_what_is_no_layout_is_refused(names, words):
    with pytest.raises(InputError, match=words):
        place_images(Path("r"), names)


def test_names_are_unicode_and_may_be_written_in_two_ways(root):
    for part, form in (("train", "NFC"), ("test", "NFD")):
        old = root / part / "cat"
        old.rename(root / part / unicodedata.normalize(form, "Kätzchen 猫"))
    (root / "train/dog/0.png").rename(root / "train/dog/new\nline 😀.png")
    source = opened(root)
    assert source.class_names == (unicodedata.normalize("NFC", "Kätzchen 猫"), "dog")
    assert source.parts["test"].labels.tolist() == [0, 0, 1, 1]
    assert source.parts["train"].names[5] == "train/dog/new\nline 😀.png"


def test_a_name_of_other_bytes_stays_printable(root, tmp_path):
    folder = os.fsencode(root / "train/dog")
    os.rename(folder + b"/0.png", folder + b"/\xff.png")
    names = opened(root, cache=tmp_path / "cache").parts["train"].names
    assert names[5] == r"train/dog/\xff.png"
    assert opened(root, cache=tmp_path / "cache").parts["train"].names[5] == names[5]


def test_hidden_files_and_other_kinds_are_passed_over(root):
    first = opened(root)
    for name in (".DS_Store", "._0.png", "notes.txt", "Thumbs.db", ".hidden.png"):
        (root / "train/cat" / name).write_bytes(b"no image")
    (root / "__MACOSX/train/cat").mkdir(parents=True)
    (root / "__MACOSX/train/cat/0.png").write_bytes(b"no image")
    (root / "train/.ipynb_checkpoints").mkdir()
    (root / "train/.ipynb_checkpoints/0.png").write_bytes(b"no image")
    assert same_source(opened(root), first)


def test_links_to_folders_and_files_are_followed(root, tmp_path):
    first = opened(root)
    shutil.move(root / "train/cat", tmp_path / "elsewhere")
    (root / "train/cat").symlink_to(tmp_path / "elsewhere")
    shutil.move(root / "train/dog/1.png", tmp_path / "one.png")
    (root / "train/dog/1.png").symlink_to(tmp_path / "one.png")
    assert same_source(opened(root), first)


@pytest.mark.spec("CNN-038", "ends in one sentence that names it")
@pytest.mark.parametrize(
    "make, words",
    [
        (lambda at: (at / "up").symlink_to(".."), "up: is a link to a folder that"),
        (lambda at: (at / "self.png").symlink_to("self.png"), "self.png: .*link"),
        (lambda at: (at / "x.png").symlink_to("gone"), "x.png: is a link to gone"),
        (lambda at: os.mkfifo(at / "p.png"), "p.png: is not a regular file"),
        (lambda at: (at / "e.png").touch(), "e.png: is empty"),
        (lambda at: (at / "t.jpg").write_text("hi"), "t.jpg: is not a PNG"),
        (
            lambda at: Image.fromarray(square(1, 9, 4)).save(at / "z.png"),
            r"z.png: is 9x4 but .*cat/0.png is 6x4 .*; set data.size",
        ),
    ],
)
def test_a_file_that_is_no_image_is_named(root, make, words):
    make(root / "train" / "dog")
    with pytest.raises(InputError, match=words):
        opened(root)


@pytest.mark.parametrize("cache", (None, "cache"))
def test_size_and_channels_are_as_asked_for(root, tmp_path, cache):
    Image.fromarray(square(200, 30, 20)).save(root / "train/dog/9.png")
    cache = cache and tmp_path / cache
    images = opened(root, 8, 1, cache).parts["train"].images
    assert images[torch.tensor([6, 0])].shape == (2, 1, 8, 8)
    assert images[torch.tensor([6])][0, 0, 7, 7] == 200


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="gone: no such folder or file; data.root"):
        opened(tmp_path / "gone")
    with pytest.raises(ValueError, match="channels is 2; 1 or 3"):
        opened(tmp_path, channels=2)
