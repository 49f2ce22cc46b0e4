"""`scripts/check_data.py`: all that is wrong with a data set, before training."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from src.data import AugmentConfig, DataConfig, build_datasets
from src.data.check_data import check_data, format_report, guess_format
from src.data.check_pictures import draw_pictures
from src.utils.errors import InputError
from tests.image_sets import (
    cifar_binary,
    cifar_pixels,
    idx_bytes,
    pack,
    square,
    write_folder,
    write_idx,
)


SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "check_data.py"


@pytest.fixture
def run(monkeypatch, capsys):
    """The script, in this process: exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["check_data.py", *map(str, arguments)])
        monkeypatch.setattr(sys, "path", [*sys.path])  # the script adds to it
        with pytest.raises(SystemExit) as left:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        return left.value.code or 0, *capsys.readouterr()

    return call


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


def put(root: Path, name: str, value: int, shape=(6, 4)) -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(square(value, *shape)).save(root / name)
    return root / name


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


def spoil_nothing(root):
    put(root, "test/dog/0.png", 7)


def spoil_pixels(root):
    (root / "train/dog/3.png").write_bytes(b"")


def spoil_layout(root):
    put(root, "val/bird/0.png", 7)


def spoil_size(root):
    put(root, "train/dog/3.png", 7, (7, 7))


def spoil_link(root):
    (root / "train/dog/x.png").symlink_to("gone")


def spoil_split(root):
    for path in [*(root / "train/dog").iterdir(), *(root / "train/cat").iterdir()]:
        if path.name != "0.png":
            path.unlink()


SPOILED = (
    spoil_nothing,
    spoil_pixels,
    spoil_layout,
    spoil_size,
    spoil_link,
    spoil_split,
)


@pytest.mark.spec("CNN-041", "exactly when training could not read the data")
@pytest.mark.parametrize("spoil", SPOILED)
def test_the_check_fails_exactly_when_training_would(root, tmp_path, run, spoil):
    spoil(root)
    try:
        build_datasets(config(root), AugmentConfig(), 0)
        fails = False
    except InputError:
        fails = True
    assert fails == (spoil is not spoil_nothing)
    code, out, err = run("--root", root, "--out", tmp_path / "out", "data.cache=")
    assert code == (2 if fails else 0)
    assert ("fault: " in err) == fails
    assert ("nothing to train on yet" in out) == fails


@pytest.mark.spec("CNN-043", "the command that trains on it")
def test_the_script_draws_pictures_and_says_what_comes_next(root, tmp_path, run):
    out = tmp_path / "a b"
    code, text, _ = run("--root", root, "--out", out, "data.cache=", "data.size=0")
    assert code == 0
    assert f"data.name=image_folder data.root={root} data.cache= data.size=0" in text
    with Image.open(out / "contact_sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    assert (np.abs(pixels - (255, 0, 0)).sum(2) < 9).any()  # the red corners
    assert (out / "class_balance.png").stat().st_size > 1000


@pytest.mark.spec("CNN-043", "prints it all as JSON")
def test_the_report_is_json_of_a_config_too(tmp_path, run):
    data = {"name": "idx", "root": str(write_idx(tmp_path / "digits", 30, 6))}
    path = tmp_path / "digits.yaml"
    path.write_text(yaml.safe_dump({"data": data, "seed": 3}))
    code, out, err = run("--config", path, "--json", "--out", tmp_path, "seed=4")
    report = json.loads(out)
    assert (code, err) == (0, "") and report["format"] == "idx"
    assert report["splits"] == {"train": 27, "val": 3, "test": 6}
    assert report["next"] == f"python scripts/train.py --config {path} seed=4"
    assert [Path(name).exists() for name in report["pictures"]] == [True, True]


def test_a_fault_of_another_format_is_reported_too(tmp_path, run):
    write_idx(tmp_path, 30, 6)
    images = idx_bytes(np.zeros((29, 5, 4), "u1"))
    (tmp_path / "train-images-idx3-ubyte").write_bytes(images)
    code, out, err = run("--root", tmp_path, "--out", tmp_path)
    assert code == 2 and "holds 29 images but train-labels" in err
    assert not (tmp_path / "contact_sheet.png").exists()


def test_what_is_to_be_checked_must_be_named(tmp_path, run):
    assert "name the data: --root FOLDER" in run()[2]
    code, _, err = run("--root", tmp_path, "--config", "a.yaml")
    assert code == 2 and "leave out --root" in err
    code, _, err = run("--root", tmp_path / "gone")
    assert code == 2 and "no such folder or file" in err
    code, _, err = run("--root", tmp_path, "data.sise=8")
    assert code == 2 and "Did you mean data.size" in err


def test_a_folder_that_cannot_be_written_says_so(root, tmp_path, run):
    (tmp_path / "file").write_text("")
    code, _, err = run("--root", root, "--out", tmp_path / "file", "data.cache=")
    assert code == 2 and "--out" in err and "choose another folder" in err


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
