"""Confusion, reliability, attention and training curves, drawn whole."""

import csv

import numpy as np
import pytest
import torch

from src.utils import charts, plots
from src.utils.charts import (
    attention_picture,
    confusion_picture,
    reliability_picture,
)
from src.utils.plots import curves
from tests.drawn import NAMES, written


@pytest.mark.parametrize("classes", [1, 2, 16])
def test_confusion_picture(tmp_path, classes):
    confusion = torch.eye(classes, dtype=torch.int64) * 5
    confusion[-1] = 0
    confusion_picture(confusion, (NAMES * 2)[:classes], tmp_path / "a.png")
    written(tmp_path / "a.png")
    with pytest.raises(ValueError, match="class names"):
        confusion_picture(confusion, ["x"] * (classes + 1), tmp_path / "a.png")


def test_reliability_picture(tmp_path):
    sums = torch.tensor([[0, 4.0], [0, 3.5], [0, 3.0]])
    reliability_picture(sums, tmp_path / "a.png", "$r")
    written(tmp_path / "a.png")
    reliability_picture(torch.zeros(3, 15), tmp_path / "a.png")
    for values in (torch.zeros(2, 5), torch.zeros(5)):
        with pytest.raises(ValueError, match="sums must be 3 x bins"):
            reliability_picture(values, tmp_path / "a.png")


def test_attention_falls_where_the_token_looks(tmp_path):
    maps = torch.zeros(
        1, 2, 8, 8
    )  # 2x4 tokens of 16 pixels, padded by 1 row and 3 columns
    maps[:, :, 6, 3] = 1.0  # the token in row 1, column 2 looks at row 0, column 3
    image = torch.zeros(1, 30, 58)
    attention_picture(image, maps, 16, (29, 40), tmp_path / "a.png")
    pixels = written(tmp_path / "a.png").astype(int)
    right = pixels[70:-70, pixels.shape[1] // 2 :]  # without the title and the scale
    bright = (right.sum(-1) > 350) & (np.ptp(right, -1) > 15)
    rows, columns = np.nonzero(bright)
    assert columns.mean() > right.shape[1] * 0.75 and rows.mean() < right.shape[0] / 2
    with pytest.raises(ValueError, match="2x4 tokens of 16"):
        attention_picture(image, maps[..., :4], 16, (0, 0), tmp_path / "a.png")
    with pytest.raises(ValueError, match="outside the image"):
        attention_picture(image, maps, 16, (30, 0), tmp_path / "a.png")


def test_curves_take_gaps_and_undefined_values(tmp_path):
    table = tmp_path / "in" / "metrics.csv"
    table.parent.mkdir()
    with open(table, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow("step,epoch,split,loss,lr,grad_norm,miou,iou/a,iou/b".split(","))
        for step in range(1, 30):
            out.writerow([step, 0, "train", 1 / step, 1e-3, 2, "", "", ""])
        out.writerow([10, 1, "val", "nan", "", "", 0.5, "inf", 0.25])
        out.writerow([20, 2, "val", 0.5, "", "", 0.75, "", "oops"])
    (tmp_path / "out").mkdir()
    curves(table, tmp_path / "out" / "a.png", "runs/$a_1")
    assert written(tmp_path / "out" / "a.png").shape[1] > 1000
    table.write_text("step,split,loss\n")
    curves(table, tmp_path / "out" / "a.png")
    assert (tmp_path / "out" / "a.png").exists()


def test_one_evaluation_has_axes_from_zero_and_no_dashes(tmp_path, monkeypatch):
    drawn, table = [], tmp_path / "metrics.csv"
    table.write_text(
        "step,split,loss,lr,miou,iou/a,iou/b\n"
        "20,train,2.0,0.0002153,,,\n32,val,1.5,,0.9,0.4,0.8\n"
    )
    monkeypatch.setattr(plots, "save_figure", lambda figure, _: drawn.append(figure))
    curves(table, tmp_path / "a.png")
    axes = {axis.get_title(): axis for axis in drawn[0].axes if axis.get_visible()}
    assert axes["miou"].get_ylim() == (0, 1.05)
    assert axes["lr"].get_ylim() == pytest.approx((0, 2 * 0.0002153))
    assert not axes["lr"].yaxis.get_major_formatter().get_useOffset()
    assert all(axis.get_xlim() == pytest.approx((0, 33.28)) for axis in axes.values())
    assert {line.get_linestyle() for a in axes.values() for line in a.lines} == {"-"}
    assert len(axes["iou"].lines) == 2


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ([0.0], (-1, 1)),
        ([-3.0, -3.0], (-6, 0)),
        ([7.0], (0, 14)),
        ([1, 2], (None,) * 2),
    ],
)
def test_a_flat_line_is_drawn_from_zero(values, limits):
    assert plots._flat_range(values) == limits


def test_attention_has_a_scale_a_layer_and_the_even_share(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(charts, "save_figure", lambda figure, _: drawn.append(figure))
    maps = torch.rand(2, 3, 16, 16).softmax(-1)
    attention_picture(torch.zeros(1, 64, 64), maps, 16, (0, 0), tmp_path, "t")
    (figure,) = drawn
    title = figure.get_suptitle()
    assert "mean of 3 heads; 6.25% each" in title
    scales = [axis for axis in figure.axes if axis.get_label() == "<colorbar>"]
    largest = maps[:, :, 0].mean(1).amax(-1).tolist()
    assert [axis.get_xlim() for axis in scales] == [
        pytest.approx((0, top), rel=1e-5) for top in largest
    ]


def test_reliability_names_shares_and_two_lines(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(charts, "save_figure", lambda figure, _: drawn.append(figure))
    reliability_picture(torch.tensor([[3.0, 1], [0.9, 0.8], [2, 0.5]]), tmp_path)
    top, bottom = drawn[0].axes
    assert bottom.get_ylabel() == "share of pixels"
    assert [bar.get_height() for bar in bottom.patches] == [0.75, 0.25]
    assert top.get_legend_handles_labels()[1] == ["perfect", "the model"]
    points = np.array(top.lines[1].get_data()).T
    assert points == pytest.approx(np.array([[0.3, 2 / 3], [0.8, 0.5]]))
