"""Curves are drawn whole, whatever stands in the table, and written in one step."""

import csv
import os

import numpy as np
import pytest
from PIL import Image

from src.utils import plots
from src.utils.plots import curves, plain_text, write_bytes


def test_curves_take_gaps_and_undefined_values(tmp_path):
    table = tmp_path / "metrics.csv"
    with open(table, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["step", "epoch", "split", "loss", "accuracy"])
        for step in range(1, 30):
            out.writerow([step, 0, "train", 1 / step, ""])
        out.writerow([10, 1, "val", "nan", 0.5])
        out.writerow([20, 2, "val", 0.5, "oops"])
    curves(table, tmp_path / "out" / "a.png", "runs/$a_1")
    with Image.open(tmp_path / "out/a.png") as image:
        pixels = np.array(image.convert("RGB"))
    assert pixels.shape[1] > 1000 and pixels.std() > 5
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.png"]


def test_one_value_is_drawn_from_zero(tmp_path, monkeypatch):
    drawn, table = [], tmp_path / "metrics.csv"
    table.write_text("step,split,loss,accuracy\n20,train,2.0,\n32,val,1.5,0.9\n")
    monkeypatch.setattr(plots, "save_figure", lambda figure, _: drawn.append(figure))
    curves(table, tmp_path / "a.png")
    axes = {axis.get_title(): axis for axis in drawn[0].axes if axis.get_visible()}
    assert axes["accuracy"].get_ylim() == (0, 1.05)
    assert len(axes["loss"].lines) == 2


def test_a_reader_never_sees_half_a_picture(tmp_path, monkeypatch):
    write_bytes(tmp_path / "a.png", b"old")

    def fail(*_):
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError):
            write_bytes(tmp_path / "a.png", b"new")
    assert (tmp_path / "a.png").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    write_bytes(tmp_path / "a.png", b"new")
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o644


def test_any_name_is_one_line_of_known_letters():
    assert plain_text("a\nb") == "a?b" and plain_text("$x$") == r"\$x\$"
    assert len(plain_text("y" * 99, 30)) <= 30
