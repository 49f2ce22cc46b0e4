"""Galleries, confusion and reliability: what is drawn where, and at the edges."""

import matplotlib.colors
import numpy as np
import pytest
import torch

from src.utils import pictures
from src.utils.pictures import (
    Guessed,
    Judged,
    confusion_picture,
    contact_sheet,
    gallery,
    reliability_picture,
)
from tests.png import size_of


@pytest.fixture
def figure(monkeypatch):
    """The figure instead of the file that `pictures` writes."""
    kept = []
    monkeypatch.setattr(
        pictures, "save_figure", lambda figure, path, dpi=120: kept.append(figure)
    )
    return lambda: kept[-1]


def judged(name, true, predicted, probability, channels=3):
    return Judged(name, torch.rand(channels, 8, 8), true, predicted, probability)


def words(figure):
    return [axis.get_title() for axis in figure.axes if axis.get_title()]


@pytest.mark.spec("CNN-067", "the surest mistakes first, then the least sure hits")
def test_the_surest_mistakes_come_first_then_the_least_sure_hits(figure, tmp_path):
    items = [
        judged("a", "cat", "cat", 0.9),
        judged("b", "cat", "dog", 0.4, channels=1),
        judged("c", "dog", "dog", 0.3),
        judged("d", "dog", "cat", 0.8),
    ]
    gallery(items, tmp_path / "x.png", "four")
    assert words(figure()) == [
        "cat: 80 %\nis dog",
        "dog: 40 %\nis cat",
        "dog: 30 %",
        "cat: 90 %",
    ]
    assert [axis.get_xlabel() for axis in figure().axes] == ["d", "b", "c", "a"]
    frames = [axis.spines["left"].get_edgecolor() for axis in figure().axes]
    assert frames[0] == frames[1] != frames[2] == frames[3]


def test_a_contact_sheet_keeps_the_order_and_shows_the_guesses(figure, tmp_path):
    guesses = [("cat", 0.71), ("dog", 0.2)]
    items = [Guessed(n, torch.rand(3, 8, 8), guesses) for n in ("b", "a")]
    contact_sheet(items, tmp_path / "x.png")
    assert words(figure()) == ["cat: 71 %\ndog: 20 %"] * 2
    assert [axis.get_xlabel() for axis in figure().axes] == ["b", "a"]


@pytest.mark.parametrize("name", ["plain", "a" * 80, "$x_1$", "tab\tand\nline", "漢字"])
def test_names_of_any_kind_can_be_drawn(tmp_path, name):
    gallery([judged(name, name, "x", 1.0)], tmp_path / "x.png", name)
    confusion_picture(torch.eye(2).long(), [name, "x"], tmp_path / "c.png", name)
    assert size_of(tmp_path / "x.png") > (300, 100)


def test_no_image_makes_a_picture_that_says_so(figure, tmp_path):
    gallery([], tmp_path / "x.png")
    assert figure().axes[0].texts[0].get_text() == "nothing to show"
    contact_sheet([], tmp_path / "y.png")
    assert figure().axes[0].texts[0].get_text() == "nothing to show"


def test_pixels_outside_and_nan_are_drawn_and_two_channels_refused(tmp_path):
    image = torch.tensor([-1.0, 0.5, 2.0, float("nan")]).view(1, 2, 2)
    shown = pictures._pixels(image)
    assert shown[..., 0].tolist() == [[0, 128], [255, 0]]
    assert shown.shape == (2, 2, 3)
    with pytest.raises(ValueError, match="1 or 3 channels, not 2"):
        gallery([judged("a", "b", "c", 1.0, channels=2)], tmp_path / "x.png")


@pytest.mark.spec("CNN-067", "in per cent of the true class, hits and mistakes")
def test_confusion_is_in_per_cent_of_the_row(figure, tmp_path):
    counts = torch.tensor([[1999, 1, 0], [1, 1, 2], [0, 0, 0]])
    confusion_picture(counts, ["a", "b", "c"], tmp_path / "x.png", "t")
    (axis,) = figure().axes
    cells = [text.get_text() for text in axis.texts]
    assert cells == [">99.9", "0.1", "·", "25.0", "25.0", "50.0", "-", "-", "-"]
    colours = axis.images[0].get_array()
    assert np.allclose(colours[2], 1)  # no image: white
    assert np.allclose(colours[1, 2], matplotlib.colors.to_rgb(pictures.ORANGE))
    blue = matplotlib.colors.to_rgb(pictures.BLUE)
    assert np.allclose(colours[0, 0], blue, atol=0.01)
    assert "up to 50.0 %" in figure()._supxlabel.get_text()
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("true", "predicted")


def test_confusion_without_a_mistake_and_of_many_classes(figure, tmp_path):
    confusion_picture(torch.eye(2).long(), ["a", "b"], tmp_path / "x.png")
    assert "wrong" not in figure()._supxlabel.get_text()
    names = [f"class {i}" for i in range(16)]
    confusion_picture(torch.ones(16, 16).long(), names, tmp_path / "x.png")
    assert not figure().axes[0].texts
    with pytest.raises(ValueError, match=r"\(2, 2\), 3 class names"):
        confusion_picture(torch.eye(2).long(), names[:3], tmp_path / "x.png")


@pytest.mark.spec("CNN-067", "accuracy against confidence")
def test_reliability_shows_accuracy_at_the_mean_confidence(figure, tmp_path):
    sums = torch.tensor([[0.0, 4.0, 6.0], [0.0, 2.0, 5.4], [0.0, 1.0, 6.0]])
    reliability_picture(sums, tmp_path / "x.png")
    top, bottom = figure().axes
    points = np.asarray(top.collections[-1].get_offsets())
    assert np.allclose(points, [[0.5, 0.25], [0.9, 1.0]])
    assert [bar.get_height() for bar in bottom.patches] == pytest.approx([0.4, 0.6])
    with pytest.raises(ValueError, match="must be 3 x bins"):
        reliability_picture(torch.zeros(2, 4), tmp_path / "x.png")


def test_reliability_without_images_is_drawn(tmp_path):
    reliability_picture(torch.zeros(3, 15), tmp_path / "x.png")
    assert size_of(tmp_path / "x.png")[0] > 300
