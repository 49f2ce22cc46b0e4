"""`scripts/eval.py`: which images, which numbers, which files; two models compared."""

import csv
import json
from dataclasses import replace

import pytest
import torch

from src.data import AugmentConfig, build_datasets
from src.inference.predictor import load_predictor
from src.inference.splits import open_split
from src.metrics import accuracy, confusion_matrix, nll
from tests.checkpoints import (
    CONFIG,
    INFO,
    TOY,
    call,
    leave_out_pictures,
    logits_of,
    make_checkpoint,
)
from tests.png import size_of


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("runs") / "one")


@pytest.fixture
def pictures():
    """Asked for by a test that draws."""


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    if "pictures" not in request.fixturenames:
        leave_out_pictures(monkeypatch)


@pytest.fixture
def score(monkeypatch, capsys, tmp_path, checkpoint):
    """Run the script; gives exit code, stdout, stderr."""

    def score(*arguments, checkpoint=checkpoint, out=tmp_path):
        given = ("--checkpoint", checkpoint, "--device", "cpu", "--out", out)
        return call(monkeypatch, "eval", *given, *arguments), *capsys.readouterr()

    return score


@pytest.mark.spec("CNN-072", "the numbers of the metrics")
@pytest.mark.parametrize("tta", ["none", "flip"])
def test_the_numbers_are_those_of_the_metrics(score, checkpoint, tta):
    logits, target, names = logits_of(checkpoint, tta=tta)
    code, out, _ = score("--json", "--tta", tta)
    found = json.loads(out)
    confusion = confusion_matrix(logits.argmax(1), target, 4)
    assert code == 0
    assert (found["split"], found["images"], found["tta"]) == ("test", 20, tta)
    assert found["confusion"] == confusion.tolist()
    assert found["accuracy"] == pytest.approx(accuracy(confusion))
    assert found["loss"] == pytest.approx(nll(logits, target).mean().item(), rel=1e-5)
    low, high = found["accuracy_interval_95"]
    assert 0 <= low < found["accuracy"] < high <= 1
    assert "top5" not in found  # of four classes
    assert [row["name"] for row in found["classes"]] == found["class_names"]
    assert sum(row["images"] for row in found["classes"]) == 20
    with open(found["files"]["predictions"], newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == names
    guessed = [found["class_names"][c] for c in logits.argmax(1)]
    assert [row["predicted"] for row in rows] == guessed
    sure = logits.double().softmax(1).max(1).values
    assert [float(row["probability"]) for row in rows] == pytest.approx(
        sure.tolist(), rel=1e-4
    )


@pytest.mark.spec("CNN-072", "confusion, reliability and worst")
def test_the_files_lie_in_the_run(monkeypatch, capsys, tmp_path, pictures):
    path = make_checkpoint(tmp_path / "run")
    code = call(monkeypatch, "eval", "--checkpoint", path, "--split", "val", "--quiet")
    out = capsys.readouterr().out
    folder = tmp_path / "run/eval"
    assert code == 0
    assert {p.name for p in (folder / "val").iterdir()} == {
        "predictions.csv",
        "confusion.png",
        "reliability.png",
        "worst.png",
    }
    assert all(size_of(picture)[0] > 300 for picture in folder.glob("val/*.png"))
    kept = json.loads((folder / "val.json").read_text())
    assert kept["images"] == 10
    assert "run · val · 10 images of toy_patterns" in out
    given = f"--checkpoint {path} --input"
    assert f"next   python scripts/explain.py {given} {kept['worst'][0]}\n" in out
    assert f"       python scripts/infer.py {given} FILE_OR_FOLDER\n" in out
    for name in kept["class_names"]:
        assert sum(line.startswith(f"{name} ") for line in out.splitlines()) == 1


@pytest.mark.spec("CNN-071", "test, or val where the data has no test")
def test_without_a_test_split_val_is_scored_and_said_to_flatter(
    monkeypatch, checkpoint
):
    predictor = load_predictor(checkpoint)
    assert open_split(predictor).name == "test"
    parts = build_datasets(TOY, AugmentConfig(), 0)
    parts.pop("test")
    monkeypatch.setattr("src.training.load.build_datasets", lambda *_: parts)
    found = open_split(predictor)
    assert (found.name, len(found.dataset)) == ("val", 10)
    assert found.notes == [
        "val chose the checkpoint, so it flatters; there is no test split"
    ]


@pytest.mark.spec("CNN-071", "says so for each")
@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("test", "test is for the end"),
        ("val", "val chose the checkpoint, so it flatters; --split test does not"),
        ("train", "the model was fitted to these images"),
    ],
)
def test_each_split_says_what_it_is_worth(score, split, words):
    code, out, _ = score("--split", split)
    assert code == 0
    assert f"note   {words}" in out


@pytest.mark.spec("CNN-071", "without augmentation")
def test_training_images_are_seen_as_they_are(checkpoint):
    opened = open_split(load_predictor(checkpoint), "train")
    plain = build_datasets(TOY, AugmentConfig(), 0)["train"]
    for epoch in (0, 1, 7):
        assert opened.dataset[(epoch, 3)]["image"].equal(plain[(0, 3)]["image"])


def test_a_split_that_there_is_not_lists_the_splits(score):
    code, out, err = score("--split", "valid")
    assert (code, out) == (2, "")
    assert "--split valid: this data has train, val, test" in err


@pytest.mark.spec("CNN-071", "notes files that have changed and refuses other classes")
def test_changed_data_is_noted_and_other_data_refused(score, tmp_path):
    longer = replace(TOY, toy=replace(TOY.toy, noise=0.2))
    info = build_datasets(longer, AugmentConfig(), 0)["train"].info
    path = make_checkpoint(tmp_path / "changed", info=info)
    _, out, _ = score(checkpoint=path)
    assert "note   the files have changed since the training" in out
    for words, wrong in (
        ("the data now has the classes stripes", {"class_names": ("a", "b", "c", "d")}),
        (
            "the data now has 3 channels",
            {"in_channels": 1, "mean": (0.5,), "std": (1.0,)},
        ),
    ):
        path = make_checkpoint(tmp_path / words, info=replace(info, **wrong))
        code, _, err = score(checkpoint=path)
        assert code == 2 and words in err


def test_data_that_is_not_here_is_named(score, tmp_path):
    data = replace(TOY, name="image_folder", root=str(tmp_path / "gone"))
    path = make_checkpoint(tmp_path / "run", replace(CONFIG, data=data), INFO)
    code, _, err = score(checkpoint=path)
    assert code == 2 and str(tmp_path / "gone") in err


@pytest.mark.spec("CNN-076", "`--json` prints one object")
def test_json_is_alone_on_stdout_and_equal_to_the_file(score, tmp_path):
    code, out, err = score("--json")
    kept = json.loads((tmp_path / "test.json").read_text())
    assert code == 0
    assert json.loads(out) == kept
    assert "\x1b" not in out + err and "\r" not in out + err


def test_undefined_numbers_are_null_and_dashes(score, tmp_path):
    path = make_checkpoint(tmp_path / "sure", bias=[99.0, 0.0, 0.0, 0.0])
    _, out, _ = score("--json", checkpoint=path)
    classes = json.loads(out)["classes"]
    assert classes[1]["precision"] is None and classes[1]["recall"] == 0
    _, out, _ = score(checkpoint=path)
    (line,) = (line for line in out.splitlines() if line.startswith("checks "))
    assert line.split()[2] == "-"


def test_a_place_that_cannot_be_written_is_bad_input(score, tmp_path):
    (tmp_path / "file").write_text("x")
    code, out, err = score(out=tmp_path / "file")
    assert (code, out) == (2, "")
    assert "cannot be written" in err and "Choose another" in err


def test_many_classes_show_the_hardest_and_top_5():
    from src.inference.report import SHOWN, text
    from src.inference.scores import scores

    names = [f"c{i:02d}" for i in range(SHOWN + 5)]
    target = torch.arange(SHOWN + 5).repeat(2)
    logits = 3 * torch.eye(SHOWN + 5)[target]
    logits[0] = 0
    logits[0, 7] = 9.0
    result = scores(logits, target, names)
    result |= {"checkpoint": "a.pt", "split": "val", "data": "d", "tta": "none"}
    result |= {"worst": ["val:0"]}
    shown = text(result | {"notes": [], "files": {"json": "x"}})
    assert "top-5 98.57 %" in shown or "top-5 100.00 %" in shown
    assert "\nc00 " in shown and "\nc07 " in shown and "\nc34 " not in shown
    assert "(5 classes with a higher F1 left out)" in shown
    assert "c07 (1x)" in shown
