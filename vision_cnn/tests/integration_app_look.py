"""Clicks through `look`, `attribution` and `surgery`: what is shown is what is true."""

import re
from dataclasses import replace

import pytest

from src.app import attribution, look
from src.app.build import build
from src.explain.attributions import METHODS
from tests.app_checkpoints import make_tiny
from tests.browser import launched, saved, serving, tabs  # noqa: F401
from tests.test_app_look import product, wide_png


PANELS = ("look", "attribution", "surgery")
NUMBER = r"−?\d[\d,]*(?:\.\d+)?(?:e[−+]?\d+)?"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Of an untrained network, which forgets in two stages."""
    page = build(make_tiny(tmp_path_factory.mktemp("page"), "fast_cnn"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attribution, "STAGES", 2)
        assert len(asked(page, "attribution/start")["stages"]) == 3
    return page


@pytest.fixture(scope="module")
def url(page):
    with serving(page) as address:
        yield address


def numbers(text: str) -> list[float]:
    found = re.findall(NUMBER, text)
    return [float(x.replace("−", "-").replace(",", "")) for x in found]


def asked(page, name: str, **given):
    return page.calls[name](**given)


def choose_unit(tab, layer: str, channel: int, row: int, column: int) -> str:
    """By the keyboard alone, from the layer to the number; gives its sentence."""
    tab.locator("#look-layer").focus()
    tab.locator("#look-layer").select_option(layer)
    tab.wait_for_selector(f"#look-facts:has-text('{layer}:')")
    tab.locator("#look-maps button").nth(channel).focus()
    tab.keyboard.press("Enter")
    tab.locator("#look-map").focus()
    tab.keyboard.press("ArrowRight")
    for _ in range(row):
        tab.keyboard.press("ArrowDown")
    for _ in range(column):
        tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    return tab.inner_text("#look-unit-sum")


@pytest.mark.spec("CNN-180", "the patch times the kernel plus the bias is the number")
@pytest.mark.spec("CNN-181", "The frame that is drawn on the image")
@pytest.mark.spec("CNN-188", "can be used by the keyboard alone")
def test_a_number_of_a_map_is_taken_apart_by_the_keyboard(page, url, browser):
    tab = browser.open(url + "#look")
    image = asked(page, "look/start")["examples"][0]["image"]
    about = asked(page, "look/layer", image=image, layer="groups.0.conv1")
    said = choose_unit(tab, "groups.0.conv1", 2, 3, 1)
    channel, row, column, total, bias, value = numbers(said)
    assert (channel, row, column, bias) == (about["channels"][2], 3, 1, 0)
    assert total == value == pytest.approx(product(about, 2, 3, 1), rel=2e-3)
    assert value == pytest.approx(float(about["maps"][2, 3, 1]), rel=2e-3)
    assert said.endswith("which is what the network computed.")
    frame = tab.locator("#look-picture + .frames .mark").evaluate(
        "n => ['top', 'left', 'height', 'width'].map(k => parseFloat(n.style[k]))"
    )
    top, left = (about["field"]["low"][i] + x for i, x in enumerate((3, 1)))
    seen = [max(0, top), max(0, left), 4 + min(0, top), 4 + min(0, left)]
    assert frame == pytest.approx([100 * x / 16 for x in seen])


@pytest.mark.spec("CNN-180", "of each other layer a sentence says")
@pytest.mark.spec("CNN-180", "so is the scaled and shifted input")
def test_a_batch_norm_is_a_scale_and_a_shift_and_a_block_says_what_it_does(
    page,
    url,
    browser,
):
    tab = browser.open(url + "#look")
    said = choose_unit(tab, "groups.1.norm1", 1, 1, 0)
    *_, before, scale, shift, total = numbers(said.split(" Batch norm")[0])
    assert total == pytest.approx(before * scale + shift, rel=1e-2, abs=1e-3)
    assert "which is what the network computed" in said
    assert choose_unit(tab, "groups.1", 0, 0, 0).endswith(
        "Halves the sides: convolve, pool, norm, GELU; then convolve, norm, GELU."
    )


@pytest.mark.spec("CNN-179", "any image file as `infer.py` reads it")
@pytest.mark.spec("CNN-186", "are refused in one sentence")
def test_files_are_dropped_good_and_bad(page, url, browser, tmp_path):
    tab = browser.open(url + "#look")
    for name, content, sentence in (
        ("<b>a.txt", b"hello", "is not a PNG, JPEG"),
        ("wide.png", wide_png(), "is 10000x5000; the page takes up to 40,000,000"),
    ):
        tab.set_input_files(
            "#look-file", {"name": name, "mimeType": "image/png", "buffer": content}
        )
        tab.wait_for_selector(f"#problem:has-text('{sentence}')")
        assert tab.inner_text("#problem").startswith(name)
    example = asked(page, "look/start")["examples"][3]
    tab.locator("#look-examples button").nth(3).click()
    tab.wait_for_selector("#problem", state="hidden")
    top = asked(page, "look/predict", image=example["image"])["top"]
    tab.wait_for_selector(f"#look-classes .chosen:has-text('{example['true']}')")
    shown = tab.locator("#look-classes li").all_inner_texts()
    assert [x.split()[0] for x in shown] == [x["class"] for x in top]
    for text, wanted in zip(shown, top, strict=True):
        assert numbers(text)[0] == pytest.approx(100 * wanted["probability"], abs=0.051)


@pytest.mark.spec("CNN-182", "with its raw range and, for integrated")
@pytest.mark.spec("CNN-183", "`randomise the weights` shows, layer by layer")
def test_maps_and_their_sanity_check_are_those_of_the_library(page, url, browser):
    tab = browser.open(url + "#attribution")
    image = asked(page, "look/start")["examples"][0]["image"]
    last = asked(page, "attribution/start")["stages"][-1]
    for forgotten in (0, last):
        for name in METHODS:
            given = {"image": image, "method": name, "forgotten": forgotten}
            found = asked(page, "attribution/map", **given)
            said = tab.inner_text(f"#attribution-range-{name}")
            if "undefined" in found:
                assert said == found["undefined"]
                continue
            wanted = [found["lowest"], found["highest"]]
            assert numbers(said.split("\n")[0]) == pytest.approx(wanted, rel=6e-3)
            if "completeness" in found:
                wanted = found["completeness"]["error"]
                line = next(x for x in said.split("\n") if "completeness" in x)
                assert numbers(line)[-1] == pytest.approx(wanted, rel=0.06, abs=1e-9)
            if forgotten:
                wanted = pytest.approx(found["likeness"], abs=6e-3)
                assert numbers(said.split("\n")[-1])[-1] == wanted
        if not forgotten:
            tab.click("#attribution-randomise")
            tab.wait_for_selector("#status:has-text('all weights are drawn anew')")


@pytest.mark.spec("CNN-184", "the page shows the accuracy of each class")
@pytest.mark.spec("CNN-185", "the page says how many")
def test_parts_are_switched_off_and_on_again(page, url, browser):
    tab = browser.open(url + "#surgery")
    start = asked(page, "surgery/start")
    whole = tab.inner_text("#surgery-summary")
    assert numbers(whole) == pytest.approx([100 * start["accuracy"], 24], abs=0.06)
    tab.locator("#surgery-layer").select_option("groups.0.conv2")
    tab.check("#surgery-channel-1")
    tab.check("#surgery-block-2")
    tab.wait_for_selector("#surgery-off:has-text('groups.1')")
    found = asked(page, "surgery/without", off=["groups.0.conv2:1", "groups.1"])
    after = numbers(tab.inner_text("#surgery-summary"))[1:]
    wanted = [100 * found["accuracy"], 24, found["changed"]]
    assert after == pytest.approx(wanted, abs=0.06)
    shown = tab.locator("#surgery-classes li").all_inner_texts()
    for text, now, was in zip(shown, found["recall"], start["recall"], strict=True):
        assert numbers(text) == pytest.approx([100 * now, 100 * was], abs=0.06)
    tab.click("#surgery-reset")
    tab.wait_for_selector("#surgery-off:has-text('everything is on')")
    assert tab.inner_text("#surgery-summary") == whole
    assert not tab.is_checked("#surgery-channel-1")


@pytest.mark.spec("CNN-187", "opens from disk without a server")
def test_a_saved_page_keeps_its_interactions(page, browser, tmp_path, monkeypatch):
    monkeypatch.setattr(look, "SAVED", 2)
    monkeypatch.setattr(attribution, "SAVED", 1)
    own = [q for q in page.exported() if q[0].split("/")[0] in PANELS]
    address = saved(replace(page, exported=lambda: own), tmp_path / "page.html")
    tab = browser.open(address + "#look", offline=True)
    assert tab.locator("#look-examples button").count() == 2
    tab.locator("#look-examples button").nth(1).click()
    image = asked(page, "look/start")["examples"][1]["image"]
    about = asked(page, "look/layer", image=image, layer="groups.0.conv1")
    said = choose_unit(tab, "groups.0.conv1", 1, 2, 2)
    wanted = pytest.approx(float(about["maps"][1, 2, 2]), rel=2e-3)
    assert numbers(said)[-1] == wanted
    tab.click("#tab-surgery")
    tab.check("#surgery-block-1")
    tab.wait_for_selector("#surgery-off:has-text('off: groups.0')")
    found = asked(page, "surgery/without", off=["groups.0"])
    said = tab.inner_text("#surgery-summary")
    assert numbers(said)[1] == pytest.approx(100 * found["accuracy"], abs=0.06)
    tab.click("#tab-attribution")
    tab.wait_for_selector("#panel-attribution[data-ready]")
    tab.locator("#attribution-examples button").nth(0).click()
    tab.click("#attribution-randomise")
    tab.wait_for_selector("#status:has-text('all weights are drawn anew')")
