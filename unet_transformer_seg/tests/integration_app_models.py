"""Attention, comparison and the saved page in Chromium, against the library."""

import pytest

from src.app.build import build
from src.inference.attention import look
from src.inference.evaluate import sample
from src.inference.predictor import load_predictor
from src.inference.sources import open_source
from src.utils.pictures import error_overlay, overlay
from tests.app_pages import (
    array,
    asked,
    canvas,
    choose,
    complained,
    near,
    settled,
    shown,
    table,
)
from tests.app_tools import noise, png, two_runs
from tests.browser import (  # noqa: F401
    NARROW,
    launched,
    saved,
    serving,
    sideways,
    tabs,
    wait_for,
)
from tests.inference_tools import INFO, make_checkpoint


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return build(*two_runs(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="module")
def url(page):
    with serving(page) as address:
        yield address


@pytest.mark.spec("SEG-165", "what the token of a clicked pixel looks at")
def test_attention_of_a_clicked_pixel(page, url, browser):
    tab = browser.open(url + "#attention")
    settled(tab, "attention")
    net = load_predictor(page.ask("segment/start", {})["key"])
    image = sample(open_source(net).dataset, 0)[0].clamp(0, 1)
    maps = look(net, image, 0)[1]
    side = tab.locator("#attention-image").bounding_box()["width"]
    where = {"x": side * 21.5 / 32, "y": side * 6.5 / 32}
    tab.locator("#attention-image").click(position=where)
    check_sentence(tab, maps[1].mean(0), token=(1, 5))
    tab.locator("#attention-layer").select_option("1")
    tab.locator("#attention-head").select_option("2")
    check_sentence(tab, maps[0, 1], token=(1, 5))
    entropy = maps[0, 1, 13].log().neg().mul(maps[0, 1, 13]).sum().exp().item()
    spread = tab.locator("#attention-spread-0-1").inner_text()
    assert float(spread.split()[3]) == pytest.approx(entropy, rel=0.006)
    tab.locator("#attention-direction").select_option("to")
    check_sentence(tab, maps[0, 1].T, token=(1, 5))
    tab.locator("#attention-map-0-0").press("ArrowRight")
    tab.locator("#attention-map-0-0").press("Enter")
    check_sentence(tab, maps[0, 1].T, token=(0, 0))


def check_sentence(tab, weights, token):
    """The panel names the token, and the largest of its weights."""
    row = weights[token[0] * 8 + token[1]]
    said = tab.locator("#attention-said").inner_text()
    assert f"token ({token[0]}, {token[1]})" in said
    share = float(said.split(": ")[1].split(" %")[0])
    most = 100 * row.max().item()
    assert share == pytest.approx(most, rel=1 / 255, abs=0.006)
    other = said.split("token (")[2].split(")")[0].split(", ")
    named = row[int(other[0]) * 8 + int(other[1])]
    assert named.item() >= row.max().item() * (1 - 1 / 255) - 1e-7


@pytest.mark.spec("SEG-169", "what was shown before stays")
def test_an_image_too_small_for_attention_leaves_a_sentence(page, url, browser):
    hybrid, plain = (one["key"] for one in page.ask("compare/start", {})["models"])
    tab = browser.open(url + "#attention")
    settled(tab, "attention")
    choose(tab, "attention-file", png(noise(12, 12)))
    complained(tab, "is 12x12; attention needs sides of 16 pixels")
    tab.locator("#tab-segment").click()
    settled(tab, "segment")
    choose(tab, "segment-file", png(noise(12, 12)))
    wait_for(tab, lambda: canvas(tab, "segment-overlay").shape[1] == 12)
    tab.locator("#tab-attention").click()
    complained(tab, "is 12x12")
    tab.locator("#attention-model").select_option(plain)
    tab.wait_for_selector("#attention-without", state="visible")
    tab.locator("#attention-model").select_option(hybrid)
    complained(tab, "is 12x12")
    assert not tab.locator("#attention-image").is_visible()  # of the image before
    tab.locator("#attention-examples button").first.click()
    tab.locator("#attention-image").click(position={"x": 9, "y": 9})
    assert "The framed token (0, 0)" in tab.locator("#attention-said").inner_text()
    assert not tab.locator("#problem").is_visible()


@pytest.mark.spec("SEG-168", "shows the masks of two checkpoints")
def test_compare(page, url, browser):
    tab = browser.open(url + "#compare")
    settled(tab, "compare")
    key = page.ask("compare/start", {})["models"][1]["key"]
    answer = page.ask("compare/run", {"other": key, "example": "test-00000"})
    image = asked(page)[0]
    masks = [array(model["mask"]).long() for model in answer["models"]]
    assert near(canvas(tab, "compare-first"), overlay(image, masks[0]))
    assert near(canvas(tab, "compare-second"), overlay(image, masks[1]))
    changed = canvas(tab, "compare-difference")
    coloured = changed.max(-1) - changed.min(-1) > 40
    assert (coloured == (masks[0] != masks[1]).numpy()).all()
    share = f"{100 * (masks[0] != masks[1]).float().mean():.2f} %"
    assert share in tab.locator("#compare-said").inner_text()
    rows = {row[0]: row[1:] for row in table(tab, "compare-table")}
    parameters = [f"{model['parameters']:,}" for model in answer["models"]]
    assert rows["parameters"] == parameters
    scores = [model["scores"]["mean_iou"] for model in answer["models"]]
    values = [shown(text) for text in rows["mean IoU"]]
    assert values == pytest.approx(scores, rel=0.006)


@pytest.mark.spec("SEG-168", "a model of other classes is refused")
def test_a_run_of_other_classes_leaves_the_comparison(tmp_path, browser):
    hybrid, plain = two_runs(tmp_path)
    make_checkpoint(tmp_path / "third", INFO)
    with serving(build(hybrid, plain)) as url:
        tab = browser.open(url + "#compare")
        settled(tab, "compare")
        third = tab.locator("#compare-other option:has-text('third')")
        tab.select_option("#compare-other", third.get_attribute("value"))
        complained(tab, "choose a run with the same")
        assert tab.locator("#compare-other").input_value() == str(plain)


@pytest.mark.spec("SEG-171", "sliders, views and the picking of pixels work in it")
def test_a_saved_page_keeps_its_interactions(page, browser, tmp_path):
    address = saved(page, tmp_path / "page.html")
    image, found, target = asked(page, "test-00002")
    tab = browser.open(address)
    tab.locator("#segment-examples button").nth(2).click()
    assert near(canvas(tab, "segment-overlay"), overlay(image, found.argmax(0)))
    tab.locator("#segment-view").select_option("errors")
    expected = error_overlay(image, found.argmax(0), target)
    assert near(canvas(tab, "segment-other"), expected)
    tab.locator("#tab-attention").click()
    settled(tab, "attention")
    before = tab.locator("#attention-said").inner_text()
    tab.locator("#attention-map-0-0").press("ArrowRight")
    tab.locator("#attention-map-0-0").press("Enter")
    assert tab.locator("#attention-said").inner_text() != before
    tab.locator("#tab-compare").click()
    settled(tab, "compare")
    assert "They disagree on" in tab.locator("#compare-said").inner_text()
    assert tab.locator("input[type=file]").count() == 0
    assert not tab.locator("#problem").is_visible()


@pytest.mark.spec("SEG-166", "without attention says so in one sentence")
def test_a_plain_unet_alone(tmp_path, browser):
    _, plain = two_runs(tmp_path)
    with serving(lambda: build(plain)) as url:
        tab = browser.open(url, width=NARROW, dark=True)
        assert sideways(tab) == 0
        tab.locator("#tab-attention").click()
        settled(tab, "attention")
        said = tab.locator("#attention-without").inner_text()
        assert "is a unet, which has no attention" in said
        assert not tab.locator("#attention-image").is_visible()
        assert sideways(tab) == 0
        hybrid = page_key(tab, "hybrid")
        tab.locator("#attention-model").select_option(hybrid)
        tab.wait_for_selector("#attention-image", state="visible")
        settled(tab, "attention")
        assert tab.locator("#attention-maps canvas").count() == 4
        assert sideways(tab) == 0
        tab.locator("#tab-compare").click()
        tab.locator("#compare-other").select_option(hybrid)
        tab.wait_for_selector("#compare-table table")
        assert sideways(tab) == 0


def page_key(tab, name):
    """The key of the run that is called so."""
    return tab.locator(f"#attention-model option:has-text('{name}')").get_attribute(
        "value"
    )
