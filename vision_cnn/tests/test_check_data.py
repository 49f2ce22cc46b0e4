"""What is said about a data set before training: counts, duplicates, every fault."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.data import DataConfig
from src.data.check_data import check_data, format_report, guess_format
from src.data.check_pictures import draw_pictures
from tests.image_sets import (
    cifar_binary,
    cifar_pixels,
    pack,
    put,
    write_folder,
)


@pytest.fixture
def root(tmp_path):
    """12 training images of each of two classes, 2 for the test."""
    return write_folder(tmp_path / "pets", (("train", 12), ("test", 0), ("test/x", 0)))


def config(root: Path, **options) -> DataConfig:
    return DataConfig("image_folder", str(root), cache="", **options)


def notes_of(root: Path, **options) -> str:
    report, _ = check_data(config(root, **options))
    assert report.faults == []
    return "\n".join(report.notes)


@pytest.mark.spec("CNN-041", "the images of each class in each split")
def test_the_report_has_counts_shape_and_moments(root):
    put(root, "test/cat/0.png", 251)
    report, datasets = check_data(config(root))
    assert report.splits == {"train": 22, "val": 2, "test": 1}
    assert report.shape == (3, 6, 4) and report.files == {"4x6 RGB": 25}
    rows = {row.name: row.images for row in report.classes}
    assert rows["cat"] == {"train": 11, "val": 1, "test": 1}
    assert rows["dog"] == {"train": 11, "val": 1, "test": 0}
    pixels = datasets["train"].images[np.arange(22)] / 255.0
    assert report.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist())
    assert report.std == pytest.approx(pixels.std((0, 2, 3), False).tolist())
    text = format_report(report)
    assert "images  train 22  val 2  test 1" in text and "4x6 RGB (25)" in text
    assert "cat        11       1       1  ####################" in text


@pytest.mark.spec("CNN-042", "equal images within a split and between two")
def test_equal_images_are_named_with_their_splits(root):
    assert notes_of(root) == ""
    put(root, "test/cat/0.png", 10)
    put(root, "test/dog/0.png", 255)
    text = notes_of(root, val_share=0.05)
    assert "1 image of test is equal to one of" in text
    assert "cat/0.png" in text and "score will be too good" in text
    put(root, "train/cat/copy.png", 20)
    put(root, "train/dog/copy.png", 30)
    text = notes_of(root, val_share=0.05)
    assert "copy.png" in text and "1 image is there under different classes" in text


def test_what_is_odd_is_noted(root):
    for number in range(12, 120):
        put(root, f"train/dog/{number}.png", number + 130)
    put(root, "train/bird/0.png", 1)
    put(root, "train/bird/1.png", 2)
    put(root, "stray.png", 3)
    Image.new("RGB", (4, 6), (9, 8, 7)).save(root / "train/cat/plain.png")
    text = notes_of(root)
    assert "fewer than 10 training images of bird (1)" in text
    assert "dog has 108 times the training images of bird" in text
    assert "1 image file in no folder of a class is left out: stray.png" in text
    assert "1 image is of one colour: train/cat/plain.png" in text


def test_a_class_without_test_images_and_grey_images_are_noted(tmp_path):
    root = write_folder(tmp_path / "grey", (("train", 11), ("test", 1)))
    for path in root.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    (root / "test/dog/0.png").unlink()
    text = notes_of(root, size=8)
    assert "no image in test of dog" in text and "all images are grey" in text
    assert "23 images are smaller than data.size = 8 and scaled up" in text
    assert "grey" not in notes_of(root, channels=1)


@pytest.mark.spec("CNN-041", "every fault in one list")
@pytest.mark.parametrize("wrapped", (False, True))
def test_every_fault_is_listed(root, tmp_path, wrapped):
    (root / "train/cat/1.png").write_bytes(b"")
    (root / "train/cat/2.png").write_bytes(b"no image")
    path = root / "train/dog/3.png"
    path.write_bytes(path.read_bytes()[:60])
    put(root, "train/dog/4.png", 5, (9, 9))
    at = pack(root, tmp_path / "pets.tar.gz") if wrapped else root
    report, datasets = check_data(config(at))
    assert datasets == {} and len(report.faults) == 4
    text = "\n".join(report.faults)
    for words in ("1.png: is empty", "2.png: is not a PNG", "3.png: is damaged"):
        assert words in text
    assert "1 images are not 6x4 (height x width)" in text and "4.png (9x9)" in text
    assert "data.size=4 would scale" in text
    assert report.files == {"4x6 RGB": 21, "": 2, "9x9 RGB": 1}


@pytest.mark.spec("CNN-041", "every fault in one list")
def test_a_fault_of_the_layout_does_not_hide_those_of_files(root):
    put(root, "test/bird/0.png", 7)
    (root / "train/cat/1.png").write_bytes(b"")
    faults = check_data(config(root))[0].faults
    assert "test/ has the class 'bird'" in faults[0] and "is empty" in faults[1]


def test_the_format_is_guessed_from_names(tmp_path):
    for name, made in {
        "idx": "train-images-idx3-ubyte.gz",
        "cifar": "data_batch_1.bin",
        "image_folder": "train",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / made).touch()
        assert guess_format(tmp_path / name) == name
    assert guess_format(tmp_path / "cifar-10-python.tar.gz") == "cifar"
    assert guess_format(tmp_path / "cifar10_imagefolder.tar.gz") == "image_folder"
    assert guess_format(tmp_path / "a.npz") == "npz"
    assert guess_format(tmp_path / "emnist-letters") == "idx"


def test_many_classes_of_which_some_are_empty_fit_on_the_pictures(tmp_path):
    pixels = cifar_pixels(60)
    for name in ("train", "test"):
        data = cifar_binary(pixels, [0] * 60, [i % 58 for i in range(60)])
        (tmp_path / f"{name}.bin").write_bytes(data)
    names = [f"a class with a long name {i} $x_$ 猫" for i in range(100)]
    (tmp_path / "fine_label_names.txt").write_text("\n".join(names))
    report, datasets = check_data(DataConfig("cifar", str(tmp_path)))
    assert (
        "no image in train of" in report.notes[0] and "and 38 more" in report.notes[0]
    )
    assert "... and 60 more classes" in format_report(report)
    for path in draw_pictures(datasets, tmp_path / "out"):
        with Image.open(path) as picture:
            assert picture.height < 4000
