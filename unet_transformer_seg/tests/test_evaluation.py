"""`scripts/eval.py`: numbers against the metrics themselves, data, files."""

import csv
import json
import math
from types import SimpleNamespace
from unittest import mock

import pytest
import torch
from PIL import Image

from src.data import AugmentConfig, build_datasets
from src.inference import evaluate as evaluation
from src.inference.evaluate import Worst, _baselines, evaluate, sample
from src.inference.predictor import Options, load_predictor
from src.inference.report import _distance
from src.inference.scores import Scores
from src.inference.sources import open_source
from src.metrics.baselines import fit_blur_threshold
from src.metrics.bootstrap import bootstrap_interval
from src.metrics.calibration import calibration_bins, ece
from src.metrics.confusion import confusion_per_image, dice, iou, summary
from src.metrics.surface import assd, boundary_f1, hd95, nsd
from tests.inference_tools import TOY, call, folder_data, make_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def result(checkpoint):
    return evaluate(checkpoint, quiet=True)


@pytest.fixture(scope="module")
def judged(checkpoint):
    """Predictions, targets and probabilities of the test split, one batch each."""
    dataset = build_datasets(TOY, AugmentConfig(), 0)["test"]
    model = load_predictor(checkpoint).model
    items = [dataset[(0, index)] for index in range(len(dataset))]
    with torch.inference_mode():
        logits = model(torch.stack([item["image"] for item in items]))
    return (
        logits.argmax(1),
        torch.stack([i["target"] for i in items]),
        logits.softmax(1),
    )


@pytest.mark.spec("SEG-101", "pooled and per image")
def test_overlap_equals_the_metrics(result, judged):
    prediction, target, _ = judged
    per_image = confusion_per_image(prediction, target, 4)
    expected = summary(per_image.sum(0), per_image)
    found = result["model"]
    assert {name: found[name] for name in expected} == pytest.approx(
        expected, nan_ok=True
    )
    for c, name in enumerate(result["class_names"]):
        expected = iou(per_image.sum(0))[c].item()
        assert found["classes"][name]["iou"] == pytest.approx(expected, nan_ok=True)
        assert found["classes"][name]["pixels"] == int((target == c).sum())


def test_surface_equals_the_metrics_and_says_how_many_are_valid(result, judged):
    prediction, target, _ = judged
    for metric in (boundary_f1, hd95, assd, nsd):
        values = [
            metric(p == 2, t == 2) for p, t in zip(prediction, target, strict=True)
        ]
        finite = [value for value in values if math.isfinite(value)]
        found = result["model"]["classes"]["square"][metric.__name__]
        mean = sum(finite) / len(finite) if finite else float("nan")
        assert found["mean"] == pytest.approx(mean, nan_ok=True)
        assert found["valid"] == len(finite)
        assert found["infinite"] == sum(map(math.isinf, values))


def test_calibration_and_interval_equal_the_metrics(result, judged):
    prediction, target, probabilities = judged
    per_image = dice(confusion_per_image(prediction, target, 4))[:, 1:].nanmean(1)
    low_high = bootstrap_interval(per_image)
    assert result["model"]["ece"] == pytest.approx(
        ece(calibration_bins(probabilities, target)), abs=1e-6
    )
    assert result["model"]["image_dice_fg_interval_95"] == pytest.approx(low_high)


@pytest.mark.spec("SEG-101", "beside the baselines of the same split")
def test_all_background_is_scored_on_the_same_split(result, judged):
    _, target, _ = judged
    per_image = confusion_per_image(torch.zeros_like(target), target, 4)
    found = result["baselines"]["all_background"]
    assert found["mean_dice"] == summary(per_image.sum(0))["mean_dice"]
    assert found["mean_dice_fg"] == 0


def test_two_classes_get_a_threshold_tuned_on_the_training_images(tmp_path):
    data = folder_data(tmp_path)
    checkpoint = make_checkpoint(tmp_path / "run", data=data)
    result = evaluate(checkpoint, "val", quiet=True)
    parts = build_datasets(data, AugmentConfig(), 0)
    train, val = (
        [sample(parts[split], index)[:2] for index in range(len(parts[split]))]
        for split in ("train", "val")
    )
    tuned, scores = fit_blur_threshold(train), Scores(result["class_names"])
    for image, target in val:
        scores.add("", tuned.predict(image[None])[0], target)
    found = result["baselines"]["blur_threshold"]["classes"]["value_255"]
    assert found == scores.numbers()["classes"]["value_255"]
    assert 0.5 < found["dice"] < 1
    source = open_source(load_predictor(checkpoint))
    assert _baselines(source)["blur_threshold"].__self__ == tuned
    assert result["model"]["v_rand"]["valid"] == len(val)


@pytest.mark.parametrize(("count", "step"), [(1, 1), (64, 1), (65, 2), (500, 8)])
def test_the_threshold_is_tuned_on_images_spread_over_the_training_set(
    monkeypatch, count, step
):
    monkeypatch.setattr(evaluation, "sample", lambda train, i: (train[i], None, ""))
    fitted = SimpleNamespace(predict=None)
    fit = mock.Mock(return_value=fitted)
    monkeypatch.setattr(evaluation, "fit_blur_threshold", fit)
    two = SimpleNamespace(info=SimpleNamespace(class_names=("cell", "membrane")))
    _baselines(SimpleNamespace(dataset=two, train=range(count)))
    (pairs,) = fit.call_args.args
    assert [image for image, _ in pairs] == [*range(0, count, step)]


def test_files_are_complete_and_the_json_is_strict(result, checkpoint):
    folder = checkpoint.parents[1] / "eval"
    text = (folder / "test.json").read_text()
    stored = json.loads(text, parse_constant=pytest.fail)
    table = (folder / "test/per_image.csv").read_text()
    rows = list(csv.DictReader(table.splitlines()))
    assert stored["images"] == len(rows) == 4
    by_score = sorted(rows, key=lambda row: float(row["dice_fg"] or "inf"))
    assert [row["name"] for row in by_score] == [
        row["name"] for row in stored["worst_images"]
    ]
    for kind in ("worst", "confusion", "reliability"):
        with Image.open(result["files"][kind]) as picture:
            assert picture.size[0] > 300


def test_the_worst_come_first_and_the_undefined_last():
    worst = Worst(limit=3)
    for index, score in enumerate((0.5, float("nan"), 0.1, 0.9, 0.3)):
        worst.add(score, index, torch.zeros(2, 2))
    assert worst.order() == [2, 4, 0]
    worst = Worst(limit=3)
    for index, score in enumerate((float("nan"), 0.1)):
        worst.add(score, index, torch.zeros(2, 2))
    assert worst.order() == [1, 0]


def test_ignored_pixels_count_in_nothing():
    prediction = torch.randint(0, 2, (20, 20))
    target = torch.randint(0, 2, (20, 20))
    target[:10] = 255
    other = prediction.clone()
    other[:10] = 1 - other[:10]
    first, second = Scores(("a", "b")), Scores(("a", "b"))
    first.add("x", prediction, target)
    second.add("x", other, target)
    assert repr(first.numbers()) == repr(second.numbers())


def test_the_table_has_classes_baselines_and_what_comes_next(
    checkpoint, monkeypatch, capsys
):
    code = call(monkeypatch, "eval", "--checkpoint", checkpoint)
    out, err = capsys.readouterr()
    assert code == 0
    assert err == ""
    assert out.startswith("toy_shapes test · 4 images · Dice 0.")
    for words in (
        "triangle ",
        "mean, no background",
        "base 1: Dice of class 0",
        "next ",
    ):
        assert words in out
    assert str(checkpoint.parents[1] / "eval/test.json") in out
    assert "\x1b" not in out and "nan" not in out


def test_tiles_change_little_and_symmetries_are_recorded(checkpoint, tmp_path):
    options = Options(tile=16, tta=True)
    result = evaluate(checkpoint, "val", tmp_path, options=options, quiet=True)
    assert result["options"] == {"tile": 16, "overlap": 0.5, "tta": True}
    assert (tmp_path / "val.json").exists()


def test_a_class_that_was_never_found_is_not_hidden_by_a_mean():
    scores, target = Scores(("back", "disc")), torch.zeros(20, 20, dtype=torch.long)
    target[5:10, 5:10] = 1
    scores.add("found", target, target)
    scores.add("missed", torch.zeros_like(target), target)
    hd95_of_disc = scores.numbers()["classes"]["disc"]["hd95"]
    assert hd95_of_disc == {"mean": 0.0, "valid": 1, "infinite": 1}
    assert _distance(hd95_of_disc) == "0.000 (1 inf)"
    assert _distance({"mean": float("nan"), "valid": 0, "infinite": 0}) == "-"
