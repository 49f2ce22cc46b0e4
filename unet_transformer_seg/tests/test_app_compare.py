"""The panel `compare`, and the checkpoints that a page may use."""

import os

import pytest
import torch

from src.app.compare import Compare
from src.app.shelf import Shelf
from src.inference.predictor import load_predictor
from src.metrics import confusion_matrix, iou, mean_valid
from src.utils.errors import InputError
from tests.app_tools import noise, png, two_runs, upload
from tests.inference_tools import INFO, make_checkpoint


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return two_runs(tmp_path_factory.mktemp("runs"))


@pytest.mark.spec("SEG-168", "the share of the pixels on which they disagree")
def test_both_models_are_asked(runs):
    image = torch.from_numpy(noise(32, 40)).permute(2, 0, 1)
    expected = [load_predictor(path).predict(image).mask for path in runs]
    answer = Compare(Shelf(*runs)).run(str(runs[1]), image=upload(png(noise(32, 40))))
    for model, path, mask in zip(answer["models"], runs, expected, strict=True):
        net = load_predictor(path).model
        assert torch.equal(model["mask"], mask)
        assert model["parameters"] == sum(p.numel() for p in net.parameters())
        assert model["milliseconds"] > 0
        assert model["scores"] is None
    differ = (expected[0] != expected[1]).float().mean()
    assert 0 < answer["disagreement"] == pytest.approx(differ.item())


def test_the_second_model_says_too_what_is_too_large(runs):
    with pytest.raises(InputError, match="mine.png: is 400x401; a page answers soon"):
        Compare(Shelf(runs[1])).run(str(runs[0]), image=upload(png(noise(401, 400))))


@pytest.mark.spec("SEG-168", "scores where a true mask is known")
def test_both_are_scored(runs):
    answer = Compare(Shelf(*runs)).run(str(runs[1]), "test-00002")
    for model in answer["models"]:
        counts = confusion_matrix(
            model["mask"].long()[None], answer["target"].long()[None], 4
        )
        expected = mean_valid(iou(counts))[0]
        assert model["scores"]["mean_iou"] == pytest.approx(expected)


@pytest.mark.spec("SEG-168", "a model of other classes is refused")
def test_other_classes_are_refused(runs):
    other = make_checkpoint(runs[0].parents[2] / "third", INFO)
    with pytest.raises(InputError, match=r"back \(0\), disc \(100\), square \(255\)"):
        Compare(Shelf(runs[0])).run(str(other), "test-00000")


@pytest.mark.spec("SEG-172", "any other path is refused")
@pytest.mark.parametrize("key", ["/etc/passwd", "../plain/checkpoints/best.pt"])
def test_only_listed_checkpoints_are_opened(runs, key):
    with pytest.raises(InputError, match="is not among the runs of this page"):
        Compare(Shelf(*runs)).run(key, "test-00000")


def test_the_shelf_lists_named_and_found_runs_once(tmp_path):
    first, second = two_runs(tmp_path)
    third = make_checkpoint(tmp_path / "third")
    os.utime(second, (1, 1))
    (first.parents[1] / "config.yaml").write_text("model: {name: unet_transformer}\n")
    (second.parents[1] / "config.yaml").write_text("model: [\n")
    (tmp_path / "latest").symlink_to("third")
    listed = Shelf(first).listed()
    assert [one["key"] for one in listed] == [str(first), str(third), str(second)]
    assert [one["label"] for one in listed] == [
        "hybrid: unet_transformer",
        "third",
        "plain",
    ]
    assert [one["named"] for one in listed] == [True, False, False]
    latest = tmp_path / "latest" / "checkpoints" / "best.pt"
    keys = [one["key"] for one in Shelf(latest, second).listed()]
    assert keys == [str(latest), str(second), str(first)]
