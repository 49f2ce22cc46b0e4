"""What `scripts/eval.py` scores: the checkpoint's own data, or other folders."""

import dataclasses
import json

import pytest
import torch

from src.data import AugmentConfig, build_datasets
from src.inference.predictor import load_predictor
from src.inference.sources import open_source, without_augmentation
from tests.inference_tools import (
    AUGMENT,
    TOY,
    call,
    folder_data,
    make_checkpoint,
    save_image,
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run"))


@pytest.mark.spec("SEG-102", "the test split, or val")
def test_the_default_split_is_test_else_val(tmp_path, checkpoint):
    assert open_source(load_predictor(checkpoint)).name == "test"
    data = folder_data(tmp_path)
    source = open_source(load_predictor(make_checkpoint(tmp_path / "run", data=data)))
    assert source.name == "val"
    assert "no test split" in source.notes[0]


@pytest.mark.parametrize("kind", ["toy_shapes", "folder"])
def test_train_images_are_scored_as_they_are(tmp_path, kind):
    data = bare_data = TOY
    if kind == "folder":
        bare_data = folder_data(tmp_path)
        repeated = dataclasses.replace(bare_data.folder, repeat=3)
        data = dataclasses.replace(bare_data, folder=repeated)
    train = build_datasets(data, AUGMENT, 0)["train"]
    bare = build_datasets(bare_data, AugmentConfig(), 0)["train"]
    plain = without_augmentation(train)
    assert len(plain) == len(bare)
    pairs = [(plain[(0, i)]["image"], bare[(0, i)]["image"]) for i in range(len(bare))]
    assert all(torch.equal(a, b) for a, b in pairs)
    assert any(
        not torch.equal(train[(0, i)]["image"], bare[(0, i)]["image"]) for i in range(5)
    )


@pytest.mark.spec("SEG-103", "other folders of images and masks")
def test_other_folders_are_scored_with_the_classes_of_the_checkpoint(
    tmp_path, monkeypatch, capsys
):
    path = make_checkpoint(tmp_path / "run", data=folder_data(tmp_path / "a"))
    folder_data(tmp_path / "b", sizes=((20, 33), (40, 17)))
    code = call(
        monkeypatch, "eval", "--checkpoint", path, "--json", "--out", tmp_path / "o",
        "--images", tmp_path / "b/images", "--masks", tmp_path / "b/masks",
    )  # fmt: skip
    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert found["images"] == 2
    assert found["model"]["pixels_counted"] == 20 * 33 + 40 * 17
    assert found["class_names"] == ["value_0", "value_255"]


def test_other_folders_with_unknown_values_are_refused(tmp_path, monkeypatch, capsys):
    path = make_checkpoint(tmp_path / "run", data=folder_data(tmp_path / "a"))
    folder_data(tmp_path / "b", values=(0, 9))
    code = call(
        monkeypatch, "eval", "--checkpoint", path,
        "--images", tmp_path / "b/images", "--masks", tmp_path / "b/masks",
    )  # fmt: skip
    err = capsys.readouterr().err
    assert code == 2
    assert "masks/0.png: has the values 9" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--split", "dev"), "--split dev: this data has train, val, test"),
        (("--images", "x"), "--images and --masks belong together"),
        (("--images", "x", "--masks", "y"), "x: no such folder"),
        (("--images", "x", "--masks", "y", "--split", "val"), "leave it out"),
        (("--tile", "3"), "--tile 3"),
    ],
)
def test_bad_arguments(checkpoint, monkeypatch, capsys, arguments, words):
    code = call(monkeypatch, "eval", "--checkpoint", checkpoint, *arguments)
    err = capsys.readouterr().err
    assert code == 2
    assert words in err and err.count("\n") == 1


def test_a_missing_data_folder_is_named_with_a_way_out(tmp_path, monkeypatch, capsys):
    path = make_checkpoint(tmp_path / "run", data=folder_data(tmp_path / "a"))
    (tmp_path / "a/images").rename(tmp_path / "a/moved")
    code = call(monkeypatch, "eval", "--checkpoint", path)
    err = capsys.readouterr().err
    assert code == 2
    assert f"{tmp_path}/a/images: no such folder" in err and "--images DIR" in err


def test_data_that_changed_since_the_training_is_noted(tmp_path):
    data = folder_data(tmp_path / "a")
    path = make_checkpoint(tmp_path / "run", data=data)
    save_image(tmp_path / "a/images/0.png", 24, 24, channels=1)
    source = open_source(load_predictor(path), "val")
    assert any("changed since the training" in note for note in source.notes)
