"""scripts/look.py as a person calls it."""

import csv
import json
from dataclasses import replace

import pytest
import torch
from PIL import Image

from src.explain.views import PICTURES
from tests.checkpoints import CONFIG, TOY, call, make_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run with blank"))


@pytest.mark.spec("CNN-107", "a picture for each name of `--what`")
def test_all_pictures_are_written_into_the_run(monkeypatch, capsys, checkpoint):
    assert call(monkeypatch, "look", "--checkpoint", checkpoint, "--quiet") == 0
    said, folder = capsys.readouterr().out, checkpoint.parents[1] / "look"
    for name in PICTURES:
        with Image.open(folder / f"{name}.png") as picture:
            assert min(picture.size) > 200
            colours = picture.convert("RGB").getcolors(1 << 20)
        assert len(colours) > 20
        assert f"{folder / name}.png" in said
    assert f"{checkpoint}: 10 images of val, " in said
    command = said.splitlines()[-1]
    assert command.startswith(
        f"next  python scripts/explain.py --checkpoint '{checkpoint}' --input val:"
    )
    with open(folder / "points.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["index"] for row in rows] == list(map(str, range(10)))
    assert rows[3]["name"] == "val-00003" and rows[3]["true"] == "rings"
    assert all(float(row["tsne_1"]) + float(row["pca_2"]) < 1e6 for row in rows)


@pytest.mark.spec("CNN-107", "into `--out`")
def test_what_is_asked_for_alone_is_written_and_told_as_json(
    monkeypatch, capsys, checkpoint, tmp_path
):
    words = ("--what", "pca, kernels", "--count", 4, "--split", "test", "--json")
    for out in (tmp_path / "a", tmp_path / "b"):
        place = ("--checkpoint", checkpoint, "--out", out, "--quiet")
        assert call(monkeypatch, "look", *place, *words) == 0
    told = capsys.readouterr().out.split("\n}\n")[0] + "}"
    result = json.loads(told)
    assert sorted(p.name for p in out.iterdir()) == [
        "kernels.png",
        "pca.png",
        "points.csv",
    ]
    assert result["images"] == 4 and list(result["pictures"]) == ["kernels", "pca"]
    assert 0 <= result["accuracy"] <= 1 and result["split"] == "test"
    for file in out.iterdir():
        assert file.read_bytes() == (tmp_path / "a" / file.name).read_bytes()


@pytest.mark.spec("CNN-107", "exit code 2")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("--what", "kernels,maxmise"),
            "--what maxmise: must be one or more of kernels,maps,maximise,pca,tsne,",
        ),
        (("--count", "0"), "--count 0: must be at least 1"),
        (("--split", "tset"), "--split tset: this data has train, val, test"),
    ],
)
def test_what_there_is_not_is_refused(
    monkeypatch, capsys, checkpoint, tmp_path, words, told
):
    out = tmp_path / "out"
    place = ("--checkpoint", checkpoint, "--out", out)
    assert call(monkeypatch, "look", *place, *words) == 2
    assert capsys.readouterr().err.startswith(told)
    assert not out.exists()


def test_a_file_where_the_folder_should_be_is_refused(
    monkeypatch, capsys, checkpoint, tmp_path
):
    (tmp_path / "file").write_text("mine")
    words = ("--out", tmp_path / "file", "--count", 2, "--quiet")
    assert call(monkeypatch, "look", "--checkpoint", checkpoint, *words) == 2
    told = f"--out {tmp_path / 'file'} cannot be written: File exists"
    assert capsys.readouterr().err.startswith(told)


def test_one_class_more_in_the_data_is_refused(monkeypatch, capsys, tmp_path):
    other = replace(TOY, toy=replace(TOY.toy, patterns=("stripes", "rings")))
    path = make_checkpoint(tmp_path, replace(CONFIG, data=other))
    content = torch.load(path)
    content["config"]["data"]["toy"]["patterns"] = ["stripes", "rings", "blobs"]
    torch.save(content, path)
    assert call(monkeypatch, "look", "--checkpoint", path) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "the data now has the classes stripes, rings, blobs, the checkpoint has s"
    )


def test_features_that_are_not_finite_end_with_a_sentence(
    monkeypatch, capsys, tmp_path
):
    path = make_checkpoint(tmp_path)
    content = torch.load(path)
    content["model"]["stages.0.conv.weight"].fill_(float("nan"))
    torch.save(content, path)
    assert call(monkeypatch, "look", "--checkpoint", path, "--quiet") == 1
    assert "its training has diverged" in capsys.readouterr().err


def test_a_single_image_can_be_looked_at(monkeypatch, checkpoint, tmp_path):
    words = ("--count", 1, "--what", "maps,pca,tsne", "--out", tmp_path, "--quiet")
    assert call(monkeypatch, "look", "--checkpoint", checkpoint, *words) == 0
