"""`scripts/eval.py --against`: two models on the same images, or none."""

import json
from dataclasses import replace

import pytest

from src.data import ToyConfig
from src.metrics import mcnemar
from tests.checkpoints import (
    CONFIG,
    TOY,
    call,
    leave_out_pictures,
    logits_of,
    make_checkpoint,
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("runs") / "one")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("runs") / "two", seed=5)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    leave_out_pictures(monkeypatch)


@pytest.fixture
def score(monkeypatch, capsys, tmp_path, checkpoint):
    """Run the script; gives exit code, stdout, stderr."""

    def score(*arguments, checkpoint=checkpoint, out=tmp_path):
        given = ("--checkpoint", checkpoint, "--device", "cpu", "--out", out)
        return call(monkeypatch, "eval", *given, *arguments), *capsys.readouterr()

    return score


@pytest.mark.spec("CNN-073", "McNemar's p, both accuracies")
def test_against_compares_on_the_same_images(score, checkpoint, other, tmp_path):
    code, out, _ = score("--against", other, "--json")
    result = json.loads(out)
    found = result["against"]
    (ours, target, _), (theirs, _, _) = logits_of(checkpoint), logits_of(other)
    right, their_right = ours.argmax(1) == target, theirs.argmax(1) == target
    test = mcnemar(right, their_right)
    assert code == 0
    assert found["mcnemar_p"] == pytest.approx(test.p)
    assert (found["only_this_right"], found["only_other_right"]) == test[:2]
    assert found["accuracy"] == pytest.approx(their_right.double().mean().item())
    difference = result["accuracy"] - found["accuracy"]
    assert found["difference"] == pytest.approx(difference)
    for c, row in enumerate(found["classes"]):
        for key, logits in (("recall", ours), ("recall_other", theirs)):
            found_of_class = (logits.argmax(1)[target == c] == c).double().mean()
            assert row[key] == pytest.approx(found_of_class.item())
    assert result["files"]["only_this_right"] == f"{tmp_path}/test/only_this_right.png"


@pytest.mark.spec("CNN-073", "images that this model has right and the other wrong")
def test_the_gallery_has_what_only_this_model_has_right(
    score, monkeypatch, checkpoint, other
):
    galleries = {}
    monkeypatch.setattr(
        "src.inference.report.gallery",
        lambda tiles, path, title: galleries.update({path.stem: (tiles, title)}),
    )
    _, out, _ = score("--against", other, "--json")
    result = json.loads(out)
    (ours, target, names), (theirs, _, _) = logits_of(checkpoint), logits_of(other)
    won = (ours.argmax(1) == target) & (theirs.argmax(1) != target)
    tiles, title = galleries["only_this_right"]
    assert {tile.name for tile in tiles} == {names[i] for i in won.nonzero()[:, 0]}
    assert all(tile.true != tile.predicted for tile in tiles)
    assert title.startswith("one right, two wrong") and "test" in title
    tiles, title = galleries["worst"]
    wrong = (ours.argmax(1) != target).nonzero()[:, 0]
    assert {tile.name for tile in tiles} == {names[i] for i in wrong}
    listed = [int(place.removeprefix("test:")) for place in result["worst"]]
    assert [tile.name for tile in tiles] == [names[i] for i in listed]
    sure = [tile.probability for tile in tiles]
    assert sure == sorted(sure, reverse=True)
    assert all(0 <= tile.image.min() and tile.image.max() <= 1 for tile in tiles)


def test_a_model_against_itself_differs_in_nothing(score, checkpoint):
    _, out, _ = score("--against", checkpoint)
    assert "so +0.00 points" in out and "McNemar p = 1 (exact)" in out
    assert "could well be luck" in out and "no change" in out


@pytest.mark.spec("CNN-073", "refused where the other's split has other images")
def test_models_of_other_images_are_not_compared(score, tmp_path):
    more = replace(TOY, toy=replace(TOY.toy, n_test=21))
    larger = replace(TOY, toy=replace(TOY.toy, size=14))
    cases = {
        "other images": replace(CONFIG, seed=1),
        "more images": replace(CONFIG, data=more),
        "larger images": replace(CONFIG, data=larger),
    }
    for name, config in cases.items():
        against = make_checkpoint(tmp_path / name, config)
        code, out, err = score("--against", against)
        assert (code, out) == (2, "")
        assert "its test split has other images" in err
    patterns = ToyConfig(size=12, patterns=("rings", "blobs"))
    config = replace(CONFIG, data=replace(TOY, toy=patterns))
    against = make_checkpoint(tmp_path / "classes", config)
    code, _, err = score("--against", against)
    assert code == 2 and "was trained on other classes" in err
