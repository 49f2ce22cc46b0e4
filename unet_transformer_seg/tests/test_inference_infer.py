"""`scripts/infer.py` and its files: names, codes, bad input, streams, exit codes."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from src.inference.infer import exit_code
from src.models import ModelConfig, TransformerConfig
from tests.inference_tools import INFO, call, make_checkpoint, save_image


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run"), INFO)


@pytest.fixture
def infer(monkeypatch, capsys, checkpoint):
    """Run the script; gives exit code, stdout, stderr."""

    def infer(*arguments, checkpoint=checkpoint):
        code = call(monkeypatch, "infer", "--checkpoint", checkpoint, *arguments)
        return code, *capsys.readouterr()

    return infer


@pytest.mark.spec("SEG-097", "in the codes of the training masks")
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (((0,), (100,), (255,)), np.uint8),
        (((0,), (7,), (40000,)), np.uint16),
        (((0, 0, 0), (255, 0, 0), (0, 0, 255)), np.uint8),
    ],
)
def test_masks_have_the_codes_of_the_training_masks(tmp_path, infer, values, dtype):
    import dataclasses

    info = dataclasses.replace(INFO, mask_values=values)
    path = make_checkpoint(tmp_path / "run", info)
    image = save_image(tmp_path / "in.png", 37, 53)
    code, out, _ = infer("--input", image, "--probabilities", checkpoint=path)
    mask = np.array(Image.open(out.strip()))
    with np.load(tmp_path / "run/predictions/in_probabilities.npz") as file:
        kept = dict(file)
    expected = np.array(values)[kept["probabilities"].argmax(0)].squeeze()
    assert code == 0
    assert mask.dtype == dtype
    assert mask.shape[:2] == (37, 53)
    assert np.array_equal(mask, expected)
    assert kept["class_names"].tolist() == list(info.class_names)


def test_results_lie_in_the_run_of_the_checkpoint(tmp_path, infer, checkpoint):
    image = save_image(tmp_path / "photo.png")
    code, out, err = infer("--input", image, "--entropy")
    folder = checkpoint.parents[1] / "predictions"
    names = {path.name for path in folder.iterdir()}
    assert code == 0
    assert out == f"{folder}/photo.png\n"
    assert "1 of 1 done" in err and str(folder) in err
    assert names >= {
        "photo.png",
        "photo_overlay.png",
        "photo_entropy.png",
        "legend.png",
    }
    overlay = np.array(Image.open(folder / "photo_overlay.png"))
    assert overlay.shape == (20, 30, 3)


def test_the_legend_gives_the_grey_scale_of_the_entropy(tmp_path, infer, checkpoint):
    image, heights = save_image(tmp_path / "photo.png"), []
    for more in ((), ("--entropy",)):
        infer("--input", image, "--out", tmp_path / "o", *more)
        with Image.open(tmp_path / "o/legend.png") as legend:
            heights.append(legend.size[1])
    assert heights[1] - heights[0] == pytest.approx(2 * 0.26 * 120, abs=2)


def test_overlay_keeps_the_background_and_tints_the_rest(tmp_path, infer, checkpoint):
    image = save_image(tmp_path / "photo.png")
    _, out, _ = infer("--input", image, "--out", tmp_path / "o")
    pixels, mask, overlay = (
        np.array(Image.open(p))
        for p in (image, out.strip(), tmp_path / "o/photo_overlay.png")
    )
    assert set(np.unique(mask)) > {0}
    assert np.array_equal(overlay[mask == 0], pixels[mask == 0])
    assert (overlay[mask != 0] != pixels[mask != 0]).any(-1).mean() > 0.99


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


@pytest.mark.spec("SEG-098", "lists each bad file with the reason and exits 2")
def test_bad_files_are_listed_and_good_ones_done(tmp_path, infer):
    bad = damage(tmp_path / "in")
    code, out, err = infer("--input", tmp_path / "in", "--out", tmp_path / "out")
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert code == 2
    assert len(out.splitlines()) == 2
    assert all((tmp_path / "out" / n).exists() for n in ("good.png", "Ünï côde 漢.png"))
    assert {os.path.basename(f["input"]) for f in summary["failures"]} == bad
    assert all(f["reason"] for f in summary["failures"])
    assert [os.path.basename(p) for p in summary["not_images"]] == ["notes.txt"]
    assert "2 of 8 done, 6 failed, 1 not an image" in err
    assert f"\n  {tmp_path}/in/notes.txt: not an image, left out\n" in err
    for name in bad:
        start = f"  {tmp_path / 'in' / name}: "
        assert sum(line.startswith(start) for line in err.splitlines()) == 1
    assert "Traceback" not in err


def test_of_many_other_files_five_are_named_and_no_hidden_one(tmp_path, infer):
    save_image(tmp_path / "in/a.png")
    for name in (".hidden", *(f"{i}.txt" for i in range(7))):
        (tmp_path / "in" / name).write_text("x")
    code, _, err = infer("--input", tmp_path / "in", "--out", tmp_path / "out")
    assert (code, err.count("not an image, left out")) == (0, 5)
    assert "... and 2 more; see summary.json" in err and ".hidden" not in err


def test_skip_bad_exits_0_and_hides_nothing(tmp_path, infer):
    bad = damage(tmp_path / "in")
    code, _, err = infer(
        "--input", tmp_path / "in", "--out", tmp_path / "out", "--skip-bad"
    )
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert code == 0
    assert (summary["done"], summary["failed"]) == (2, 6)
    assert all(name in err for name in bad)


def test_skip_bad_does_not_turn_nothing_into_success(tmp_path, infer):
    (tmp_path / "bad.png").write_text("x")
    code, out, _ = infer(
        "--input", tmp_path / "bad.png", "--out", tmp_path / "o", "--skip-bad"
    )
    assert (code, out) == (2, "")


def test_a_fault_of_the_model_exits_1():
    failure = {"input": "a.png", "reason": "NaN", "kind": "fault"}
    assert exit_code({"failures": [failure], "images": []}) == 1


def test_json_is_alone_on_stdout_and_nothing_has_escape_codes(tmp_path, infer):
    damage(tmp_path / "in")
    code, out, err = infer(
        "--input", tmp_path / "in", "--out", tmp_path / "o", "--json"
    )
    assert code == 2
    assert json.loads(out)["done"] == 2
    assert "\x1b" not in out + err and "\r" not in out + err


@pytest.mark.spec("SEG-099", "warns where a whole prediction is one class")
def test_one_class_everywhere_is_warned_of(tmp_path, infer):
    path = make_checkpoint(tmp_path / "run", INFO, bias=[0.0, 99.0, 0.0])
    for i in range(7):
        save_image(tmp_path / f"in/{i}.png")
    _, _, err = infer("--input", tmp_path / "in", checkpoint=path)
    summary = json.loads((tmp_path / "run/predictions/summary.json").read_text())
    assert err.count("the whole prediction is disc") == 5
    assert "2 more are of one class" in err
    assert [image["one_class"] for image in summary["images"]] == ["disc"] * 7


def test_a_mixed_prediction_is_not_warned_of(tmp_path, infer):
    _, _, err = infer(
        "--input", save_image(tmp_path / "a.png"), "--out", tmp_path / "o"
    )
    assert "whole prediction" not in err


def test_colour_for_a_grey_model_is_refused_by_name(tmp_path, infer):
    import dataclasses

    grey = dataclasses.replace(INFO, in_channels=1, mean=(0.5,), std=(0.2,))
    path = make_checkpoint(tmp_path / "run", grey)
    image = save_image(tmp_path / "photo.png")
    code, _, err = infer("--input", image, checkpoint=path)
    assert code == 2
    assert f"{image}: has 3 channels and colours in them" in err


def test_a_missing_input_is_a_sentence(tmp_path, infer):
    code, out, err = infer("--input", tmp_path / "no.png", "--out", tmp_path / "o")
    assert (code, out) == (2, "")
    assert f"--input {tmp_path}/no.png: no such file or folder\n" == err


def test_tiles_and_symmetries_give_the_same_kind_of_files(tmp_path, infer):
    image = save_image(tmp_path / "a.png", 50, 70)
    _, out, _ = infer("--input", image, "--out", tmp_path / "o", "--tile", 32, "--tta")
    assert np.array(Image.open(out.strip())).shape == (50, 70)


def test_attention_of_the_middle_is_drawn_for_a_transformer_only(tmp_path, infer):
    small = TransformerConfig(layers=2, n_heads=2)
    hybrid = ModelConfig(name="unet_transformer", width=4, depth=2, transformer=small)
    path = make_checkpoint(tmp_path / "run", INFO, model_config=hybrid)
    image = save_image(tmp_path / "a.png", 50, 70)
    options = ("--input", image, "--attention", "--tile", 32)
    code, _, err = infer(*options, checkpoint=path)
    assert (code, "1 of 1 done" in err) == (0, True)
    with Image.open(tmp_path / "run/predictions/a_attention.png") as picture:
        assert picture.size[0] > 2 * picture.size[1]
    code, out, err = infer(*options)
    assert (code, out) == (2, "")
    assert err == "--attention: UNet has no attention; it takes a unet_transformer\n"
