"""Overlays pixel by pixel, colours for every eye, and figures that are drawn whole."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from src.utils import colours, pictures
from src.utils.charts import (
    attention_picture,
    confusion_picture,
    reliability_picture,
)
from src.utils.colours import palette
from src.utils.pictures import (
    Judged,
    Labelled,
    contact_sheet,
    error_overlay,
    gallery,
    overlay,
)
from src.utils.plots import curves, plain_text


OKABE_ITO = [(0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115)]
OKABE_ITO += [(240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167)]
GREEN, VERMILLION, BLUE, YELLOW = (OKABE_ITO[i] for i in (3, 6, 5, 4))
NAMES = ["ok", "ünï", "猫", "new\nline", "$x_1$", "a_{b", "x" * 200, "\udcff"]


@pytest.mark.spec("SEG-035", "Okabe and Ito's, more classes never change a colour")
def test_the_palette_begins_with_okabe_and_ito_and_grows_at_its_end():
    assert list(palette(8)) == OKABE_ITO
    assert palette(255)[:40] == palette(40) and palette(3) == palette(40)[:3]
    assert len(set(palette(255))) == 255


@pytest.mark.spec("SEG-035", "any two of 32 colours differ visibly")
def test_colours_differ_for_every_eye():
    seen = colours._as_seen(np.array(palette(32)))
    for vision in seen:
        for a, b in itertools.combinations(vision, 2):
            assert np.linalg.norm(a - b) > 0.035  # twice what is just noticeable


def test_simulated_vision_knows_what_is_known():
    red_green = np.array([[200.0, 60, 60], [128, 112, 50], [255, 255, 255]])
    normal, protan, deutan = colours._as_seen(red_green)
    assert normal[2] == pytest.approx([1, 0, 0], abs=2e-3)
    assert protan[2] == pytest.approx([1, 0, 0], abs=2e-3)
    distance = [np.linalg.norm(v[0] - v[1]) for v in (normal, protan, deutan)]
    assert distance[0] > 2 * distance[2] > 0


def test_overlay_tints_classes_and_leaves_the_rest():
    image = torch.full((1, 1, 4), 100 / 255)
    mask = torch.tensor([[0, 1, 2, 255]])
    mixed = [tuple(round(50 + c / 2 + 1e-9) for c in OKABE_ITO[i]) for i in (1, 2)]
    tinted = overlay(image, mask)[0].tolist()
    assert tinted[0] == tinted[3] == [100, 100, 100]
    assert np.abs(np.array(tinted[1:3]) - mixed).max() <= 1
    everything = overlay(image, mask, alpha=1.0, background=None)[0].tolist()
    assert everything == [[0, 0, 0], [*OKABE_ITO[1]], [*OKABE_ITO[2]], [100] * 3]
    assert overlay(image, mask, background=1)[0, 1].tolist() == [100, 100, 100]


def test_a_tint_does_not_depend_on_the_hue_below():
    red, grey = torch.zeros(3, 1, 1), torch.full((3, 1, 1), 0.299)
    red[0] = 1.0
    mask = torch.ones(1, 1, dtype=torch.int64)
    assert torch.equal(overlay(red, mask), overlay(grey, mask))
    assert overlay(red, 0 * mask).flatten().tolist() == [255, 0, 0]


@pytest.mark.spec("SEG-036", "have their own colours, and ignored pixels none")
def test_error_overlay_colours_each_case():
    image = torch.full((3, 1, 6), 100 / 255)
    target = torch.tensor([[0, 1, 0, 2, 1, 255]])
    pred = torch.tensor([[0, 1, 1, 0, 2, 1]])
    bare = (100, 100, 100)
    drawn = [
        tuple(p) for p in error_overlay(image, pred, target, None, 1.0)[0].tolist()
    ]
    assert drawn == [bare, GREEN, VERMILLION, BLUE, YELLOW, bare]
    of_1 = [tuple(p) for p in error_overlay(image, pred, target, 1, 1.0)[0].tolist()]
    assert of_1 == [bare, GREEN, VERMILLION, bare, BLUE, bare]


def test_a_picture_of_two_channels_is_refused():
    with pytest.raises(ValueError, match="1 or 3 channels, not 2"):
        overlay(torch.zeros(2, 3, 3), torch.zeros(3, 3, dtype=torch.int64))


@pytest.mark.spec("SEG-036", "lowest score first and undefined scores last")
def test_the_gallery_is_sorted(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(pictures, "_sheet", lambda panels, *_: shown.extend(panels))
    image, mask = torch.zeros(1, 4, 4), torch.zeros(4, 4, dtype=torch.int64)
    scores = [0.7, float("nan"), 0.1, 1.0]
    items = [Judged(str(i), s, image, mask, mask) for i, s in enumerate(scores)]
    gallery(items, tmp_path / "a.png", score_name="Dice")
    assert [name for name, _ in shown] == [
        "2: Dice 0.100",
        "0: Dice 0.700",
        "3: Dice 1.000",
        "1: Dice nan",
    ]


def written(path: Path) -> np.ndarray:
    """The picture, which must be a whole PNG with something drawn in it."""
    with Image.open(path, formats=["PNG"]) as image:
        pixels = np.array(image.convert("RGB"))
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert pixels.std() > 5
    return pixels


def test_sheets_take_any_name_and_any_size(tmp_path):
    rows = []
    for i, name in enumerate(NAMES):
        size = (20 + 8 * i, 60 - 5 * i)
        mask = torch.ones(size, dtype=torch.int64)
        rows.append(Labelled(name, torch.rand(1 + i % 2 * 2, *size), mask))
    contact_sheet(rows, tmp_path / "a.png", NAMES, NAMES[-2])
    pixels = written(tmp_path / "a.png")
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == 255).all()  # nothing is cut off


def test_a_gallery_shows_all_three_panels(tmp_path):
    image, mask = torch.full((1, 40, 40), 0.5), torch.ones(40, 40, dtype=torch.int64)
    gallery([Judged("a", 0.5, image, 0 * mask, mask)], tmp_path / "a.png", positive=1)
    blue = np.abs(written(tmp_path / "a.png") - np.array(BLUE)).max(-1) < 60
    assert blue.mean() > 0.05


@pytest.mark.parametrize("count", [0, 1])
def test_sheets_of_nothing_and_of_one(tmp_path, count):
    image, mask = torch.rand(3, 9, 9), torch.zeros(9, 9, dtype=torch.int64)
    contact_sheet([Labelled("a", image, mask)] * count, tmp_path / "a.png", title="t")
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.size[0] > 100


def test_titles_are_one_line_without_mathtext():
    assert plain_text("a\nb") == "a?b" and plain_text("$x$") == r"\$x\$"
    assert len(plain_text("y" * 99, 30)) <= 30


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
    right = pixels[70:-10, pixels.shape[1] // 2 :]
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


def test_added_colours_are_neither_near_black_nor_near_white():
    assert min(map(sum, palette(64)[8:])) > 100
    assert max(map(min, palette(64)[8:])) < 240
