"""`scripts/check_data.py`: exit code, pictures, JSON, and what comes next."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from src.data import AugmentConfig, DataConfig, build_datasets
from src.data.check_data import next_command
from src.utils.errors import InputError
from tests.image_sets import (
    idx_bytes,
    put,
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


def test_digits_are_not_mirrored_by_the_training_that_is_proposed():
    config = DataConfig(name="idx", root="my digits")
    said = next_command(config, None, ["seed=4"])
    assert said.endswith("'data.root=my digits' augment.flip=none seed=4")
