"""`scripts/infer.py`: files, sizes, colours, bad input, streams, exit codes."""

import csv
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from src.data.images import read_image
from src.inference.infer import exit_code
from src.inference.predictor import Predictor, load_predictor
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


def damage(folder):
    """One file of each kind of damage, by name."""
    good = save_image(folder / "good.png", 40, 40).read_bytes()
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("no image")
    (folder / "cut.png").write_bytes(good[: len(good) // 2])
    (folder / "lfs.jpg").write_text("version https://git-lfs.github.com/spec/v1")
    (folder / "dangling.png").symlink_to(folder / "nothing.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    save_image(folder / "Ünï côde 漢.png", 1, 24, channels=1)
    (folder / "notes.txt").write_text("notes")
    return {"empty.png", "text.png", "cut.png", "lfs.jpg", "dangling.png", "loop.png"}


@pytest.mark.spec("CNN-075", "is listed with the reason, the others are done")
@pytest.mark.parametrize("skip", [(), ("--skip-bad",)])
def test_bad_files_are_listed_and_good_ones_done(infer, tmp_path, skip):
    bad = damage(tmp_path / "in")
    code, out, err = infer("--input", tmp_path / "in", "--out", tmp_path / "o", *skip)
    summary = json.loads((tmp_path / "o/predictions.json").read_text())
    assert code == (0 if skip else 2)
    assert len(out.splitlines()) == 1 + 2
    assert {os.path.basename(f["input"]) for f in summary["failures"]} == bad
    assert all(f["reason"] for f in summary["failures"])
    assert [os.path.basename(p) for p in summary["not_images"]] == ["notes.txt"]
    assert "2 of 8 done, 6 failed, 1 not an image" in err
    assert f"\n  {tmp_path}/in/notes.txt: not an image, left out\n" in err
    for name in bad:
        start = f"  {tmp_path / 'in' / name}: "
        assert sum(line.startswith(start) for line in err.splitlines()) == 1
    assert "Traceback" not in err


def test_of_many_other_files_five_are_named(infer, tmp_path):
    save_image(tmp_path / "in/a.png")
    for i in range(7):
        (tmp_path / f"in/{i}.txt").write_text("x")
    code, _, err = infer("--input", tmp_path / "in", "--out", tmp_path)
    assert (code, err.count("not an image, left out")) == (0, 5)
    assert "... and 2 more; see predictions.json" in err


@pytest.mark.spec("CNN-075", "exit 2, with `--skip-bad` 0 if at least one was done")
def test_skip_bad_does_not_turn_nothing_into_success(infer, tmp_path):
    (tmp_path / "bad.png").write_text("x")
    given = ("--input", tmp_path / "bad.png", "--out", tmp_path / "o", "--skip-bad")
    code, out, _ = infer(*given)
    assert (code, out.strip()) == (2, "")


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere", "no such file or folder"), ("empty", "no image there")],
)
def test_nothing_to_do_is_bad_input(infer, tmp_path, name, words):
    (tmp_path / "empty").mkdir()
    code, out, err = infer("--input", tmp_path / name, "--out", tmp_path / "o")
    assert (code, out) == (2, "")
    assert words in err and not (tmp_path / "o/predictions.csv").exists()


def test_a_folder_that_cannot_be_listed_is_named(infer, tmp_path, monkeypatch):
    save_image(tmp_path / "in/a.png")
    (tmp_path / "in/closed").mkdir()
    listed = os.scandir

    def scandir(path):
        if os.path.basename(path) == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    code, _, err = infer("--input", tmp_path / "in", "--out", tmp_path / "o")
    assert code == 2
    assert f"  {tmp_path}/in/closed: cannot be read (Permission denied)" in err


@pytest.mark.spec("CNN-070", "in `infer` the other images are done")
def test_an_image_whose_logits_are_no_numbers_is_a_failure_of_its_own(
    infer, tmp_path, monkeypatch
):
    for name in "abc":
        save_image(tmp_path / f"in/{name}.png")
    original = Predictor.logits

    def with_nan(self, image, tta="none"):
        logits = original(self, image, tta)
        logits[1, 0] = float("inf")
        return logits

    monkeypatch.setattr(Predictor, "logits", with_nan)
    code, out, err = infer("--input", tmp_path / "in", "--out", tmp_path / "o")
    assert code == 1
    assert "2 of 3 done, 1 failed" in err and len(out.splitlines()) == 3
    assert f"  {tmp_path}/in/b.png: the model gives NaN or infinity" in err


def test_a_fault_of_the_model_exits_1():
    failure = {"input": "a.png", "reason": "NaN", "kind": "fault"}
    assert exit_code({"failures": [failure], "images": []}) == 1


@pytest.mark.spec("CNN-076", "and nothing else to stdout")
def test_json_is_alone_on_stdout_and_nothing_has_escape_codes(infer, tmp_path):
    damage(tmp_path / "in")
    given = ("--input", tmp_path / "in", "--out", tmp_path / "o", "--json")
    code, out, err = infer(*given)
    assert code == 2
    assert len(json.loads(out)["images"]) == 2
    assert "\x1b" not in out + err and "\r" not in out + err


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
