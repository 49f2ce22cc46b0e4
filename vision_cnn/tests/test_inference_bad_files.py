"""`scripts/infer.py` and what cannot be predicted: listed, counted, exit codes."""

import json
import os

import pytest

from src.inference.infer import exit_code
from src.inference.predictor import Predictor
from tests.checkpoints import (
    INFO,
    call,
    leave_out_pictures,
    make_checkpoint,
    save_image,
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run"), info=INFO)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    leave_out_pictures(monkeypatch)


@pytest.fixture
def infer(monkeypatch, capsys, checkpoint):
    """Run the script; gives exit code, stdout, stderr."""

    def infer(*arguments, checkpoint=checkpoint):
        given = ("--checkpoint", checkpoint, "--device", "cpu", *arguments)
        return call(monkeypatch, "infer", *given), *capsys.readouterr()

    return infer


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
