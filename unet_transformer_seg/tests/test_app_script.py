"""`scripts/app.py` from its command line: what it refuses, what it saves."""

import re

import pytest
import torch

from src.app import build as building
from src.utils.checkpoint import load_checkpoint
from tests.app_tools import two_runs
from tests.inference_tools import call


def change(path, **changes):
    torch.save({**load_checkpoint(path), **changes}, path)


def nan(path):
    model = load_checkpoint(path)["model"]
    model["head.weight"][0] = float("nan")
    change(path, model=model)


DAMAGE = {
    "NaN": (nan, "head.weight holds values that are not finite"),
    "foreign": (lambda path: change(path, project="vision_cnn"), "made by vision_cnn"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:999]), "cut short"),
    "missing": (lambda path: path.unlink(), "no such checkpoint"),
}


@pytest.mark.spec("SEG-170", "ends with exit code 2 and one sentence")
@pytest.mark.parametrize("option", ["--checkpoint", "--against"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_bad_checkpoints_are_refused(tmp_path, monkeypatch, capsys, kind, option):
    harm, words = DAMAGE[kind]
    bad, good = two_runs(tmp_path)
    harm(bad)
    given = {"--checkpoint": good, "--against": good, option: bad}
    arguments = [part for pair in given.items() for part in pair]
    code = call(monkeypatch, "app", *arguments, "--export", tmp_path / "page.html")
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert words in err.strip().splitlines()[-1] and "Traceback" not in err
    assert not (tmp_path / "page.html").exists()


@pytest.mark.spec("SEG-161", "without one it ends with the command that trains")
def test_without_a_run_the_command_that_trains_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "app", "--export", "page.html") == 2
    assert "scripts/train.py --config" in capsys.readouterr().err


@pytest.mark.spec("SEG-161", "of `runs/latest`, else of the run trained last")
def test_the_latest_run_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    two_runs(tmp_path / "runs")
    (tmp_path / "runs" / "latest").symlink_to("plain")
    assert call(monkeypatch, "app", "--export", "page.html") == 0
    assert "runs/latest/checkpoints/best.pt" in (tmp_path / "page.html").read_text()


@pytest.mark.spec("SEG-171", "one file that asks nobody")
def test_a_saved_page_names_no_address(tmp_path, monkeypatch, capsys):
    first, second = two_runs(tmp_path)
    page = tmp_path / "page.html"
    code = call(
        monkeypatch,
        *("app", "--checkpoint", first, "--against", second, "--export", page),
    )
    assert code == 0 and capsys.readouterr().out.startswith(str(page))
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    assert page.stat().st_size < 15e6


def test_the_panels_of_a_saved_page_share_its_room(tmp_path, monkeypatch):
    page = building.build(*two_runs(tmp_path))  # examples of 32x32, four classes
    monkeypatch.setattr(building, "ROOM", 3 * 2 * 32 * 32 * 20)
    held = [name for name, _ in page.exported()]
    assert held.count("segment/run") == 2  # of 20 bytes a pixel
    assert held.count("attention/maps") == 2  # of 4, and 16 KiB of weights
    assert held.count("compare/run") == 4  # all: of 6
