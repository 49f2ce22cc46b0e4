"""`scripts/check_data.py`: all that is wrong with a folder, before training."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.data.check_data import check_folder, format_report
from src.data.folder import FolderConfig
from src.data.images import write_png


SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "check_data.py"


def make(root: Path, count: int = 10, **options) -> FolderConfig:
    mask = np.zeros((16, 16), np.uint8)
    mask[:, 12:] = 255
    for i in range(count):
        write_png(root / "images" / f"{i}.png", np.full((16, 16), 20 * i, np.uint8))
        write_png(root / "masks" / f"{i}.png", mask)
    return FolderConfig(
        str(root / "images"), str(root / "masks"), split="contiguous", **options
    )


@pytest.fixture
def run(monkeypatch, capsys):
    """The script, in this process: exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["check_data.py", *map(str, arguments)])
        monkeypatch.setattr(sys, "path", [*sys.path])  # the script adds to it
        with pytest.raises(SystemExit) as left:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        return left.value.code or 0, *capsys.readouterr()

    return call


def has(notes: list[str], *words: str) -> bool:
    return any(all(word in note for word in words) for note in notes)


@pytest.mark.spec("SEG-034", "pixel shares")
def test_the_value_table_counts_pixels_and_masks(tmp_path):
    config = make(tmp_path, mask_values={"255": "cell", "0": "wall", "9": "rare"})
    report, _ = check_folder(config)
    rows = [(r.value, r.meaning, r.pixels, r.share, r.images) for r in report.values]
    assert rows == [
        ("0", "wall", 1920, 0.75, 10),
        ("9", "rare", 0, 0.0, 0),
        ("255", "cell", 640, 0.25, 10),
    ]
    assert (report.pairs, report.faults) == (10, [])
    assert report.sizes == {"16x16": 10} and report.types == {"8-bit grey": 10}
    assert report.splits == {"train": 8, "val": 2}
    assert "75.00%" in format_report(report)
    assert has(report.notes, "class rare (value 9) is in no mask")


@pytest.mark.spec("SEG-034", "equal images in two splits")
def test_equal_images_are_named_with_their_splits(tmp_path):
    config = make(tmp_path)
    assert check_folder(config)[0].notes == []
    first = (tmp_path / "images" / "0.png").read_bytes()
    (tmp_path / "images" / "9.png").write_bytes(first)
    (tmp_path / "images" / "1.png").write_bytes(first)
    write_png(tmp_path / "masks" / "1.png", np.full((16, 16), 255, np.uint8))
    notes = check_folder(config)[0].notes
    assert has(notes, "0.png", "1.png", "9.png", "splits train, val", "masks differ")


@pytest.mark.spec("SEG-034", "every fault, not only the first")
def test_every_fault_is_listed(tmp_path):
    config = make(tmp_path)
    (tmp_path / "images" / "0.png").write_bytes(b"")
    (tmp_path / "images" / "1.png").unlink()
    (tmp_path / "masks" / "2.png").unlink()
    write_png(tmp_path / "masks" / "3.png", np.zeros((8, 8), np.uint8))
    noise = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)
    write_png(tmp_path / "masks" / "4.png", noise)
    faults = check_folder(config)[0].faults
    for name in ("0.png: is empty", "1.png: mask without", "2.png: no mask"):
        assert has(faults, name)
    assert has(faults, "masks/3.png is 8x8") and has(faults, "masks/4.png: has 1")
    assert len(faults) == 5


def test_what_is_legal_but_likely_to_disappoint_is_noted(tmp_path):
    config = make(tmp_path, ignore=(77,))
    mask = np.zeros((64, 64), np.uint8)
    mask[:9, :9] = 1
    write_png(tmp_path / "masks" / "9.png", mask)
    write_png(tmp_path / "images" / "9.png", np.zeros((64, 64), np.uint8))
    notes = check_folder(config)[0].notes
    assert has(notes, "2 sizes", "augment.crop", "16")
    assert has(notes, "9.png use the value 1, but", "use 255; is it the same class")
    assert has(notes, "class value_1 does not occur in the split train")
    assert has(notes, "the ignore value 77 is in no mask")
    rare = np.zeros((300, 300), np.uint8)
    rare[:4, :4] = 255
    write_png(tmp_path / "masks" / "9.png", rare)
    write_png(tmp_path / "images" / "9.png", rare)
    assert has(check_folder(config)[0].notes, "value_255 has only 0.", "class_weights")


def test_a_border_of_grey_is_noted_but_not_refused(tmp_path):
    config = make(tmp_path)
    mask = np.zeros((16, 16), np.uint8)
    mask[:, 8], mask[:, 9:] = 128, 255
    write_png(tmp_path / "masks" / "3.png", mask)
    report, _ = check_folder(config)
    assert has(report.notes, "3.png: the values 128 lie only between other values")
    assert report.faults == []


def test_the_script_draws_a_sheet(tmp_path):
    make(tmp_path)
    out = tmp_path / "out"
    options = ["--images", tmp_path / "images", "--masks", tmp_path / "masks"]
    command = [sys.executable, SCRIPT, *options, "--out", out, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["pairs"] == 10 and report["values"][1]["share"] == 0.25
    assert report["contact_sheet"] == str(out / "contact_sheet.png")
    with Image.open(out / "contact_sheet.png") as sheet:
        assert min(sheet.size) > 300


@pytest.mark.spec("SEG-034", "exits with 2 if training would fail")
@pytest.mark.spec("SEG-027", "exit code 2")
def test_the_script_exits_with_2_and_names_the_files(tmp_path, run):
    make(tmp_path)
    (tmp_path / "images" / "0.png").write_bytes(b"")
    (tmp_path / "masks" / "5.png").unlink()
    options = ["--images", tmp_path / "images", "--masks", tmp_path / "masks"]
    code, out, err = run(*options, "--out", tmp_path / "out")
    assert code == 2
    faults = err.splitlines()
    assert len(faults) == 2 and all(line.startswith("fault: ") for line in faults)
    assert has(faults, "0.png: is empty") and has(faults, "5.png: no mask")
    assert "pairs   8" in out
    assert (tmp_path / "out" / "contact_sheet.png").exists()


def test_the_script_takes_a_training_config(tmp_path, run):
    folder = make(tmp_path)
    config = tmp_path / "train.yaml"
    config.write_text(
        "data:\n  name: folder\n  folder:\n"
        f"    images: {folder.images}\n    masks: {folder.masks}\n"
        "    mask_values: {255: cell, 0: wall}\n",
        "utf-8",
    )
    code, out, err = run("--config", config, "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    assert "cell" in out and "wall" in out
    config.write_text("data: {name: toy_shapes}\n", "utf-8")
    code, out, err = run("--config", config, "--out", tmp_path / "out")
    assert code == 2 and "data.name is toy_shapes" in err


def test_a_sheet_that_cannot_be_written_is_a_sentence(tmp_path, run):
    make(tmp_path)
    (tmp_path / "out").write_text("a file")
    options = ["--images", tmp_path / "images", "--masks", tmp_path / "masks"]
    code, out, err = run(*options, "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert err.startswith(f"--out {tmp_path}/out: cannot be written (")


def test_one_image_and_an_unknown_value_are_faults(tmp_path):
    config = make(tmp_path, count=1, mask_values={"0": "wall", "9": "cell"})
    faults = check_folder(config)[0].faults
    assert has(faults, "masks/0.png: has the values 255 (64 px), which are no class")
    assert has(faults, "1 image cannot be split")


@pytest.mark.spec("SEG-034", "the command that trains")
def test_the_script_ends_with_the_next_command(tmp_path, run):
    folder = make(tmp_path, mask_suffix="")
    options = ["--images", folder.images, "--masks", folder.masks]
    code, out, err = run(*options, "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == (
        "next  python scripts/train.py --config configs/my_images.yaml "
        f"data.folder.images={folder.images} data.folder.masks={folder.masks} "
        """'data.folder.mask_values={"0": value_0, "255": value_255}'"""
    )
    (tmp_path / "masks" / "5.png").unlink()
    code, out, err = run(*options, "--out", tmp_path / "out")
    assert code == 2 and "next" not in out
