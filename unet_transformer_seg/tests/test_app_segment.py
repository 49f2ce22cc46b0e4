"""The panel `segment` against the predictor and the metrics."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from src.app.segment import Segment
from src.app.shelf import Shelf
from src.app.specimens import pixels
from src.data.info import IGNORE_INDEX
from src.inference.infer import load_pixels
from src.inference.predictor import Options, load_predictor
from src.inference.sources import open_source
from src.metrics import confusion_matrix, dice, hd95, iou, precision, recall
from src.utils.errors import InputError
from tests.app_tools import large, noise, png, two_runs, upload
from tests.inference_tools import INFO, folder_data, make_checkpoint


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return two_runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def checkpoint(runs):
    return runs[0]


@pytest.fixture(scope="module")
def segment(checkpoint):
    return Segment(Shelf(checkpoint))


@pytest.fixture(scope="module")
def judging(tmp_path_factory):
    """A model of masks that have an ignore value, and no examples."""
    info = dataclasses.replace(INFO, ignore_value=(7,))
    path = make_checkpoint(tmp_path_factory.mktemp("other") / "run", info)
    return Segment(Shelf(path)), info


def test_the_examples_are_the_first_of_the_test_split(segment, checkpoint):
    predictor = load_predictor(checkpoint)
    dataset = open_source(predictor).dataset
    start = segment.start()
    assert [one["name"] for one in start["examples"]] == [
        f"test-{i:05d}" for i in range(4)
    ]
    image = predictor.info.restore(dataset[0]["image"]).clamp(0, 1)
    assert torch.equal(start["examples"][0]["image"], pixels(image))
    assert [one["name"] for one in start["classes"]] == list(predictor.info.class_names)
    assert start["note"] == ""


@pytest.mark.spec("SEG-162", "probabilities of the classes as `infer` computes them")
def test_probabilities_are_those_of_infer(segment, checkpoint, tmp_path):
    (tmp_path / "a.png").write_bytes(png(noise(37, 50)))
    expected = load_predictor(checkpoint).predict(
        load_pixels(tmp_path / "a.png"), Options(probabilities=True)
    )
    answer = segment.run(image=upload(png(noise(37, 50))))
    assert torch.equal(answer["probabilities"].argmax(0).byte(), expected.mask)
    found = answer["probabilities"].half()
    assert torch.equal(found, expected.probabilities)
    assert answer["image"].numpy().tolist() == noise(37, 50).tolist()
    assert answer["target"] is None and answer["scores"] is None


@pytest.mark.spec("SEG-163", "IoU, Dice, precision, recall, boundary F1 and HD95 as")
def test_scores_are_those_of_the_metrics(segment):
    answer = segment.run(example="test-00001")
    mask, target = answer["probabilities"].argmax(0), answer["target"].long()
    counts = confusion_matrix(mask[None], target[None], 4)
    rows = answer["scores"]["classes"]
    for name, metric in (
        ("iou", iou), ("dice", dice), ("precision", precision), ("recall", recall)
    ):  # fmt: skip
        found = [row[name] for row in rows]
        assert found == pytest.approx(metric(counts).tolist(), nan_ok=True)
    for c in (1, 2, 3):
        distance = hd95(mask == c, target == c)
        expected = "∞" if distance == float("inf") else distance
        assert rows[c]["hd95"] == pytest.approx(expected, nan_ok=True)
    assert [row["pixels"] for row in rows] == counts.sum(1).tolist()


@pytest.mark.spec("SEG-163", "ignored pixels are striped and count in nothing")
def test_a_dropped_mask_has_the_training_values(judging):
    segment, _ = judging
    values = np.array([0, 100, 255, 7], np.uint8)[noise(20, 30, 1) % 4]
    answer = segment.run(
        image=upload(png(noise(20, 30))), mask=upload(png(values), "mask.png")
    )
    classes = np.array([0, 1, 2, IGNORE_INDEX])[noise(20, 30, 1) % 4]
    assert answer["target"].numpy().tolist() == classes.tolist()
    counted = [row["pixels"] for row in answer["scores"]["classes"]]
    assert counted == [(classes == c).sum() for c in range(3)]
    assert sum(counted) == (values != 7).sum()


def test_a_mask_can_be_given_for_an_example(segment):
    size = segment.run(example="test-00000")["target"].shape
    blank = png(np.zeros(size, np.uint8))
    answer = segment.run(example="test-00000", mask=upload(blank))
    assert not answer["target"].any()


def test_data_that_are_not_here_leave_a_sentence(judging):
    start = judging[0].start()
    assert start["examples"] == []
    assert start["note"].startswith("No examples: ") and "mask values" in start["note"]


def test_of_large_images_the_middle_is_an_example(tmp_path):
    data = folder_data(tmp_path / "data", sizes=((300, 270),) * 6)
    segment = Segment(Shelf(make_checkpoint(tmp_path / "run", data=data)))
    start = segment.start()
    assert "the middle 256 pixels a side" in start["note"]
    name = start["examples"][0]["name"]
    whole = np.array(Image.open(tmp_path / "data" / "images" / f"{name}.png"))
    shown = start["examples"][0]["image"].numpy()[..., 0]
    assert shown.tolist() == whole[22:278, 7:263].tolist()
    answer = segment.run(example=name)
    assert answer["target"].shape == (256, 256)


BAD = {
    "text": ((b"hello there",), "mine.png: is not a PNG, JPEG or TIFF"),
    "cut": ((png(noise(20, 30))[:400],), "mine.png: is damaged"),
    "large": (
        (large(),),
        "mine.png: is 8000x6250; a page answers soon for 160,000 pixels",
    ),
    "size": (
        (png(noise(20, 30)), png(np.zeros((30, 20), np.uint8))),
        "mask.png: is 20x30, the image mine.png 30x20",
    ),
    "values": (
        (png(noise(20, 30)), png(np.full((20, 30), 9, np.uint8))),
        "mask.png: has the values 9 (600 px), which are no class; allowed are 0; ",
    ),
    "text as mask": ((png(noise(20, 30)), b"hello"), "mask.png: is not a PNG"),
}


@pytest.mark.spec("SEG-169", "is refused in one sentence")
@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_refused(segment, kind):
    (image, *mask), words = BAD[kind]
    mask = upload(mask[0], "mask.png") if mask else None
    with pytest.raises(InputError) as fault:
        segment.run(image=upload(image), mask=mask)
    assert str(fault.value).startswith(words)
    assert "\n" not in str(fault.value) and "/tmp" not in str(fault.value)


@pytest.mark.spec("SEG-169", "an image too large for a page")
def test_the_largest_image_is_what_the_model_answers_soon(runs):
    hybrid, plain = (Segment(Shelf(path)) for path in runs)
    with pytest.raises(InputError, match="soon for 160,000 pixels at most, such as"):
        hybrid.run(image=upload(png(noise(401, 400))))
    with pytest.raises(InputError, match="is 1x16385; a page answers soon for 262,144"):
        plain.run(image=upload(png(noise(16385, 1))))  # 16 wide where it is computed
    assert plain.run(image=upload(png(noise(401, 400))))["scores"] is None


def test_an_example_that_is_not_listed_is_refused(segment):
    with pytest.raises(InputError, match="'../../etc/passwd' is no example"):
        segment.run(example="../../etc/passwd")


def test_a_model_of_one_channel_refuses_colours(tmp_path):
    info = dataclasses.replace(INFO, in_channels=1, mean=(0.5,), std=(0.2,))
    segment = Segment(Shelf(make_checkpoint(tmp_path / "run", info)))
    with pytest.raises(InputError, match="mine.png: has 3 channels and colours"):
        segment.run(image=upload(png(noise(20, 30))))
    assert segment.run(image=upload(png(noise(20, 30, 1))))["image"].shape[2] == 1
