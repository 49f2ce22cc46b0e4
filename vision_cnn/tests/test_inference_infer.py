"""`scripts/infer.py`: files, sizes, colours, bad input, streams, exit codes."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from src.data.images import read_image
from src.inference.predictor import load_predictor
from tests.checkpoints import (
    INFO,
    call,
    leave_out_pictures,
    make_checkpoint,
    save_image,
)
from tests.png import size_of


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run"), info=INFO)


@pytest.fixture(scope="module")
def grey_checkpoint(tmp_path_factory):
    info = replace(INFO, in_channels=1, mean=(0.5,), std=(0.2,))
    return make_checkpoint(tmp_path_factory.mktemp("grey"), info=info)


@pytest.fixture
def pictures():
    """Asked for by a test that draws."""


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    if "pictures" not in request.fixturenames:
        leave_out_pictures(monkeypatch)


@pytest.fixture
def infer(monkeypatch, capsys, checkpoint):
    """Run the script; gives exit code, stdout, stderr."""

    def infer(*arguments, checkpoint=checkpoint):
        given = ("--checkpoint", checkpoint, "--device", "cpu", *arguments)
        return call(monkeypatch, "infer", *given), *capsys.readouterr()

    return infer


@pytest.mark.spec("CNN-074", "of any size and shape")
@pytest.mark.parametrize("shape", [(12, 16), (1, 1), (200, 31), (13, 160)])
@pytest.mark.parametrize("tta", ["none", "flip"])
def test_probabilities_are_those_of_the_model(infer, tmp_path, checkpoint, shape, tta):
    file = save_image(tmp_path / "a.png", *shape)
    code, out, _ = infer("--input", file, "--out", tmp_path, "--json", "--tta", tta)
    image = read_image(file, 3, (12, 16)).float()[None] / 255
    logits = load_predictor(checkpoint).logits(INFO.normalise(image), tta)
    shares = dict(zip(INFO.class_names, logits[0].double().softmax(0), strict=True))
    ((found,),) = ((image["top"] for image in json.loads(out)["images"]),)
    assert code == 0
    assert [guess["class"] for guess in found] == sorted(
        shares, key=shares.get, reverse=True
    )
    for guess in found:
        assert guess["probability"] == pytest.approx(shares[guess["class"]].item())


@pytest.mark.spec("CNN-074", "is scaled and cut to the centre, which is said")
def test_scaling_is_said(infer, tmp_path):
    save_image(tmp_path / "in/a.png", 12, 16)
    save_image(tmp_path / "in/b.png", 40, 40)
    _, _, err = infer("--input", tmp_path / "in", "--out", tmp_path)
    assert "1 of 2 images were cut to the centre and scaled to 16x12" in err
    _, _, err = infer("--input", tmp_path / "in/a.png", "--out", tmp_path)
    assert "scaled" not in err


@pytest.mark.spec("CNN-074", "warns where colour is lost")
def test_lost_colour_is_warned_of_and_grey_is_not(infer, tmp_path, grey_checkpoint):
    save_image(tmp_path / "in/colour.png")
    save_image(tmp_path / "in/grey.png", 20, 31, channels=1)
    with Image.open(tmp_path / "in/grey.png") as grey:
        grey.convert("RGB").save(tmp_path / "in/grey_as_rgb.jpg", quality=90)
    given = ("--input", tmp_path / "in", "--out", tmp_path)
    code, _, err = infer(*given, checkpoint=grey_checkpoint)
    assert code == 0
    assert "warning: 1 of 3 images lose their colour" in err
    _, _, err = infer(*given)  # grey is repeated: nothing is lost
    assert "lose their colour" not in err


@pytest.mark.spec("CNN-074", "files and folders with all below them")
def test_files_and_folders_are_read_in_natural_order_each_once(infer, tmp_path):
    for name in ("b10.png", "b9.png", "sub/deep/c.jpg", ".hidden.png", ".git/x.png"):
        save_image(tmp_path / "in" / name)
    other = save_image(tmp_path / "a.png")
    code, out, _ = infer(
        *("--input", other, "--input", tmp_path / "in", "--input", other),
        *("--out", tmp_path / "out", "--json"),
    )
    names = [image["input"] for image in json.loads(out)["images"]]
    below = ("in/b9.png", "in/b10.png", "in/sub/deep/c.jpg")
    assert code == 0
    assert names == [str(tmp_path / name) for name in ("a.png", *below)]


@pytest.mark.spec("CNN-072", "a contact sheet")
def test_results_lie_in_the_run_of_the_checkpoint(infer, tmp_path, pictures):
    path = make_checkpoint(tmp_path / "run", info=INFO)
    for i in range(7):
        save_image(tmp_path / f"in/{i}.png", 20 + i)
    code, out, err = infer("--input", tmp_path / "in", "--top", "2", checkpoint=path)
    folder = tmp_path / "run/predictions"
    with open(folder / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert code == 0
    assert list(rows[0]) == [
        *("input", "class_1", "probability_1", "class_2", "probability_2")
    ]
    assert len(rows) == 7 and all(row["class_1"] in INFO.class_names for row in rows)
    assert size_of(folder / "contact_sheet.png")[0] > 1000
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [
        [row["input"], row["class_1"]] for row in rows
    ]
    assert out.splitlines()[0].split() == ["image", "class", "second"]
    assert "7 of 7 done" in err and f"{folder}/contact_sheet.png" in err
    given = f"--checkpoint {path} --input {tmp_path}/in/0.png"
    assert f"next   python scripts/explain.py {given}\n" in err


@pytest.mark.spec("CNN-072", "a contact sheet")
def test_an_earlier_contact_sheet_is_no_input_and_no_image_is_replaced(infer, tmp_path):
    save_image(tmp_path / "a.png")
    sheet = save_image(tmp_path / "contact_sheet.png")
    code, _, err = infer("--input", tmp_path, "--out", tmp_path)
    assert code == 2 and "would replace an input image" in err
    sheet.unlink()
    infer("--input", tmp_path, "--out", tmp_path)
    save_image(sheet)
    code, out, _ = infer("--input", tmp_path, "--out", tmp_path, "--json")
    (image,) = json.loads(out)["images"]
    assert code == 0 and image["input"] == str(tmp_path / "a.png")


def test_more_classes_than_there_are_is_all_and_none_is_refused(infer, tmp_path):
    image = save_image(tmp_path / "a.png")
    _, out, _ = infer("--input", image, "--out", tmp_path, "--top", 9, "--json")
    assert len(json.loads(out)["images"][0]["top"]) == 3
    code, _, err = infer("--input", image, "--out", tmp_path, "--top", 0)
    assert code == 2 and "--top 0: must be 1 or more" in err


def test_more_images_than_a_batch_keep_their_order(infer, tmp_path, checkpoint):
    generator = np.random.default_rng(0)
    for i in range(70):
        pixels = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / f"in/{i}.png")
    _, out, _ = infer("--input", tmp_path / "in", "--out", tmp_path / "o", "--json")
    found = json.loads(out)["images"]
    assert [image["input"] for image in found] == [
        str(tmp_path / f"in/{i}.png") for i in range(70)
    ]
    images = torch.stack([read_image(image["input"], 3) for image in found])
    logits = load_predictor(checkpoint).logits(INFO.normalise(images.float() / 255))
    expected = [INFO.class_names[c] for c in logits.argmax(1)]
    assert [image["top"][0]["class"] for image in found] == expected
