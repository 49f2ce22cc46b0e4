"""The panel `segment` in Chromium: what is shown is what the library computes."""

import numpy as np
import pytest
import torch

from src.app.build import build
from src.data.info import IGNORE_INDEX
from src.inference.predictor import load_predictor, normalised_entropy
from src.metrics import confusion_matrix, dice, iou
from src.utils.pictures import error_overlay, overlay
from tests.app_pages import (
    asked,
    canvas,
    choose,
    complained,
    near,
    settled,
    shown,
    table,
)
from tests.app_tools import large, noise, png, two_runs
from tests.browser import launched, serving, tabs, wait_for  # noqa: F401


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return build(*two_runs(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="module")
def url(page):
    with serving(page) as address:
        yield address


@pytest.mark.spec("SEG-162", "as an overlay of any opacity, as entropy")
def test_segment_shows_mask_and_doubt(page, url, browser):
    image, found, _ = asked(page)
    mask = found.argmax(0)
    tab = browser.open(url)
    assert near(canvas(tab, "segment-overlay"), overlay(image, mask))
    tab.locator("#segment-opacity").fill("0.8")
    assert near(canvas(tab, "segment-overlay"), overlay(image, mask, 0.8))
    shares = [shown(row[1]) for row in table(tab, "segment-legend")]
    expected = [100 * (mask == c).float().mean().item() for c in range(4)]
    assert shares == pytest.approx(expected, abs=0.051)
    tab.locator("#segment-overlay").press("ArrowRight")
    for _ in range(5):
        tab.locator("#segment-overlay").press("ArrowDown")
    bars = tab.locator("#segment-cursor .value").all_inner_texts()
    values = [shown(text.replace("true", "").strip()) for text in bars]
    assert values == pytest.approx(found[:, 5, 0].tolist(), rel=0.006)
    entropy = normalised_entropy(found)[5, 0].item()
    readout = tab.locator("output[for=segment-overlay]").inner_text()
    assert readout.startswith("row 5, column 0: ")
    assert shown(readout.rpartition(" ")[2]) == pytest.approx(entropy, rel=0.006)


@pytest.mark.spec("SEG-163", "errors in the colours of the galleries of `eval`")
def test_segment_shows_errors(page, url, browser):
    image, found, target = asked(page)
    mask = found.argmax(0)
    tab = browser.open(url)
    tab.locator("#segment-view").select_option("errors")
    assert near(canvas(tab, "segment-other"), error_overlay(image, mask, target))
    tab.locator("#segment-class").select_option("2")
    assert near(canvas(tab, "segment-other"), error_overlay(image, mask, target, 2))
    counts = confusion_matrix(mask[None], target[None], 4)
    rows = table(tab, "segment-legend")
    for column, metric in ((3, iou), (4, dice)):
        values = [shown(row[column]) for row in rows]
        expected = metric(counts).tolist()
        assert values == pytest.approx(expected, rel=0.006, nan_ok=True)


@pytest.mark.spec("SEG-164", "left out of the scores")
def test_temperature_and_least_confidence_are_arithmetic_in_the_page(
    page, url, browser
):
    _, found, target = asked(page)
    tab = browser.open(url)
    before = len(browser.asked)
    tab.locator("#segment-temperature").fill("10")  # the tenth of forty steps: 0.5
    tab.locator("#segment-least").fill("0.4")
    summary = tab.locator("#segment-summary")
    wait_for(tab, lambda: "undecided" in summary.inner_text())
    sharp = found.double() ** 2 / (found.double() ** 2).sum(0)
    sure = sharp.amax(0) >= 0.4
    assert 0 < sure.sum() < sure.numel()
    judged = torch.where(sure, target, IGNORE_INDEX)
    counts = confusion_matrix(sharp.argmax(0)[None], judged[None], 4)
    values = [shown(row[3]) for row in table(tab, "segment-legend")]
    assert values == pytest.approx(iou(counts).tolist(), rel=0.006, nan_ok=True)
    undecided = 100 * (1 - sure.double().mean().item())
    assert f"{undecided:.1f} % undecided" in summary.inner_text()
    assert len(browser.asked) == before


@pytest.mark.spec("SEG-169", "what was shown before stays")
def test_bad_files_leave_a_sentence(url, browser):
    tab = browser.open(url)
    before = canvas(tab, "segment-overlay")
    for control, content, words in (
        ("file", b"<b>hello</b>", "<i>.png: is not a PNG, JPEG or TIFF image"),
        ("file", large(), "a page answers soon for 160,000 pixels at most"),
        ("truth", png(noise(5, 5)), "is 5x5, the image test-00000 32x32"),
        ("truth", png(np.full((32, 32), 9, np.uint8)), "are no class; allowed are"),
    ):
        choose(tab, f"segment-{control}", content, "<i>.png")
        complained(tab, words)
    assert tab.locator("#problem *").count() == 0
    assert (canvas(tab, "segment-overlay") == before).all()
    choose(tab, "segment-file", png(noise(20, 30)))
    settled(tab, "segment")
    assert not tab.locator("#problem").is_visible()


def test_an_own_image_with_its_mask_is_scored_in_every_panel(page, url, browser):
    tab = browser.open(url)
    classes = noise(40, 48, 1) % 4
    codes = load_predictor(page.ask("segment/start", {})["key"]).info.mask_values
    choose(tab, "segment-file", png(noise(40, 48)))
    wait_for(tab, lambda: canvas(tab, "segment-overlay").shape[1] == 48)
    choose(tab, "segment-truth", png(np.array(codes, np.uint8)[classes, 0]))
    tab.wait_for_selector("#segment-legend th:has-text('IoU')")
    values = [shown(row[2]) for row in table(tab, "segment-legend")]
    assert values == [(classes == c).sum() for c in range(4)]
    tab.locator("#tab-compare").click()
    settled(tab, "compare")
    assert canvas(tab, "compare-first").shape == (40, 48, 3)
    assert "mean IoU" in tab.locator("#compare-table").inner_text()
