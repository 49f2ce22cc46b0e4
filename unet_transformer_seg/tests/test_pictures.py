"""Overlays pixel by pixel, colours for every eye, and figures that are drawn whole."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from src.data import DataConfig
from src.data.toy import ToyConfig
from src.models import ModelConfig
from src.training import report
from src.training.task import Config, build, draw_predictions
from src.utils import colours, pictures
from src.utils.colours import palette
from src.utils.pictures import (
    Judged,
    Labelled,
    contact_sheet,
    error_overlay,
    gallery,
    overlay,
)
from src.utils.plots import plain_text
from tests.drawn import NAMES, written


OKABE_ITO = [(0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115)]
OKABE_ITO += [(240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167)]
VERMILLION, BLUE, YELLOW = (OKABE_ITO[i] for i in (6, 5, 4))
HIT = (230, 230, 230)


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
    bare = (45, 45, 45)
    drawn = [
        tuple(p) for p in error_overlay(image, pred, target, None, 1.0)[0].tolist()
    ]
    assert drawn == [bare, HIT, VERMILLION, BLUE, YELLOW, bare]
    of_1 = [tuple(p) for p in error_overlay(image, pred, target, 1, 1.0)[0].tolist()]
    assert of_1 == [bare, HIT, VERMILLION, bare, BLUE, bare]


def test_no_error_has_the_colour_of_one_of_four_classes_and_no_hit_has_a_hue():
    used = (pictures.HIT, pictures.FALSE_POSITIVE, pictures.FALSE_NEGATIVE)
    drawn = [colours.rgb(c) for c in (*used, pictures.WRONG_CLASS)]
    seen, classes = colours._as_seen(np.array([*drawn, *palette(4)])), len(drawn)
    for vision in seen:
        apart = [
            np.linalg.norm(a - b) for a in vision[:classes] for b in vision[classes:]
        ]
        assert min(apart) > 0.035
    assert len(set(drawn[0])) == 1


def test_errors_on_a_coloured_image_keep_their_hue():
    red, zero = torch.zeros(3, 1, 1), torch.zeros(1, 1, dtype=torch.int64)
    red[0] = 1.0
    assert len(set(error_overlay(red, zero, zero).flatten().tolist())) == 1


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


def test_a_gallery_shows_image_truth_prediction_and_errors(monkeypatch):
    shown = {}
    monkeypatch.setattr(pictures, "_sheet", lambda *a: shown.update(enumerate(a)))
    image, ones = torch.full((1, 2, 2), 0.5), torch.ones(2, 2, dtype=torch.int64)
    gallery([Judged("a", 0.5, image, 2 * ones, ones)], Path(), class_names="abc")
    (_, (bare, truth, prediction, errors)), *_ = shown[0]
    assert torch.equal(truth, overlay(image, ones, 0.6))
    assert torch.equal(prediction, overlay(image, 2 * ones, 0.6))
    assert torch.equal(errors, error_overlay(image, 2 * ones, ones))
    assert (bare == 128).all()
    (_, classes), (_, cases) = shown[3]
    assert classes == [("a", None), ("b", OKABE_ITO[1]), ("c", OKABE_ITO[2])]
    assert cases[0] == ("correct", HIT) and cases[-1] == ("wrong class", YELLOW)
    assert shown[4] == ("image", "truth", "prediction", "errors")


def test_a_gallery_is_drawn_with_its_errors(tmp_path):
    image, mask = torch.full((1, 40, 40), 0.5), torch.ones(40, 40, dtype=torch.int64)
    gallery([Judged("a", 0.5, image, 0 * mask, mask)], tmp_path / "a.png", positive=1)
    blue = np.abs(written(tmp_path / "a.png") - np.array(BLUE)).max(-1) < 60
    assert blue.mean() > 0.03


def test_the_picture_of_a_run_says_what_it_shows_and_where_no_prediction_lies(
    tmp_path, monkeypatch
):
    toy = ToyConfig(size=32, n_train=2, n_val=3, n_test=1)
    config = Config(data=DataConfig(toy=toy), model=ModelConfig(width=4, depth=2))
    shown = {}
    monkeypatch.setattr(pictures, "_sheet", lambda *a: shown.update(enumerate(a)))
    path = tmp_path / report.PREDICTIONS
    draw_predictions(build(config), torch.device("cpu"), path, "easy-007")
    assert path.parent == tmp_path / "plots"
    assert shown[2] == "easy-007 · val, the first 3 images, worst first"
    assert all(": mIoU 0." in name for name, _ in shown[0])
    assert [name for name, _ in shown[3][0][1]][1:] == ["disc", "square", "triangle"]


@pytest.mark.parametrize("count", [0, 1])
def test_sheets_of_nothing_and_of_one(tmp_path, count):
    image, mask = torch.rand(3, 9, 9), torch.zeros(9, 9, dtype=torch.int64)
    contact_sheet([Labelled("a", image, mask)] * count, tmp_path / "a.png", title="t")
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.size[0] > 100


def test_titles_are_one_line_without_mathtext():
    assert plain_text("a\nb") == "a?b" and plain_text("$x$") == r"\$x\$"
    assert len(plain_text("y" * 99, 30)) <= 30


def test_added_colours_are_neither_near_black_nor_near_white():
    assert min(map(sum, palette(64)[8:])) > 100
    assert max(map(min, palette(64)[8:])) < 240
