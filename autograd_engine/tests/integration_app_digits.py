"""The panel of digits in Chromium: draw, pick a unit, drop a file, save the page."""

from pathlib import Path

import numpy as np
import pytest

from src.app.build import build
from src.app.digits import Digits
from src.app.page import Page
from src.data.image_folder import read_image
from src.data.transforms import normalise
from src.engine.tensor import from_numpy
from src.inference.predictor import load_predictor
from tests.app_checkpoints import digits_checkpoint
from tests.browser import (  # noqa: F401
    NARROW,
    launched,
    number,
    saved,
    serving,
    sideways,
    tabs,
    wait_for,
)


EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return digits_checkpoint(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def url(checkpoint):
    with serving(lambda: build(checkpoint)) as address:
        yield address + "#digits"


def logits_of(checkpoint, pixels):
    predictor = load_predictor(checkpoint)
    image = np.asarray(pixels, np.uint8).reshape(1, 1, 28, 28)
    x = normalise(image, predictor.info["mean"], predictor.info["std"])
    return predictor.model(from_numpy(x)).data[0]


def shown_logits(tab):
    return [number(t) for t in tab.locator("#digits-classes small").all_inner_texts()]


def take(tab, digit):
    """Choose an example and wait until it is judged."""
    before = tab.inner_text("#digits-classes")
    tab.click(f"#digits-examples button >> text='{digit}'")
    wait_for(tab, lambda: tab.inner_text("#digits-classes") != before)


def compare(tab, checkpoint, digit):
    take(tab, digit)
    image = read_image(EXAMPLES / f"{digit}.png", 1)
    logits = logits_of(checkpoint, image)
    assert np.allclose(shown_logits(tab), logits, rtol=6e-3, atol=1e-3)
    chosen = tab.locator("#digits-classes .chosen .name").inner_text()
    assert chosen == str(logits.argmax())


def first_layer(checkpoint, digit):
    """What the units of the first layer make of an example, before relu."""
    predictor = load_predictor(checkpoint)
    layer, info = predictor.model.layers[0], predictor.info
    image = read_image(EXAMPLES / f"{digit}.png", 1)[None]
    x = normalise(image, info["mean"], info["std"]).ravel()
    return layer.weight.data @ x + layer.bias.data


@pytest.mark.spec("AGE-123", "logits and probabilities that the network gives")
def test_what_is_shown_is_what_the_network_computes(browser, url, checkpoint):
    tab = browser.open(url)
    compare(tab, checkpoint, 7)
    compare(tab, checkpoint, 2)
    strongest = int(np.argmax(first_layer(checkpoint, 2)))
    assert tab.inner_text("#digits-sum").startswith(f"unit {strongest}: ")
    tab.locator("#digits-units").click(position={"x": 40, "y": 8})  # the third unit
    for digit in (5, 7):
        compare(tab, checkpoint, digit)
        value = float(first_layer(checkpoint, digit)[2])
        said = tab.inner_text("#digits-sum")
        assert said.startswith("unit 2: ")
        assert number(said.split(" = ")[-1]) == pytest.approx(value, rel=1e-3)


@pytest.mark.spec("AGE-123", "what is drawn")
def test_the_mouse_and_the_keyboard_draw(browser, url, checkpoint):
    tab = browser.open(url)
    tab.click("#digits-clear")
    blank = logits_of(checkpoint, np.zeros(784))
    wait_for(tab, lambda: np.allclose(shown_logits(tab), blank, rtol=6e-3, atol=1e-3))
    tab.locator("#digits-pad").hover(position={"x": 150, "y": 40})
    tab.mouse.down()
    tab.mouse.move(*centre_of(tab, "#digits-pad"), steps=4)
    tab.mouse.up()
    wait_for(tab, lambda: not np.allclose(shown_logits(tab), blank, rtol=6e-3))
    tab.click("#digits-clear")
    wait_for(tab, lambda: np.allclose(shown_logits(tab), blank, rtol=6e-3, atol=1e-3))
    tab.focus("#digits-pad")
    for key in ["ArrowDown"] * 9 + ["ArrowRight"] * 9 + ["Space"]:
        tab.keyboard.press(key)
    wait_for(tab, lambda: not np.allclose(shown_logits(tab), blank, rtol=6e-3))


def centre_of(tab, selector):
    box = tab.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.spec("AGE-124", "never as HTML")
def test_a_file_is_read_or_refused_in_one_sentence(browser, url, tmp_path):
    tab = browser.open(url)
    text = tmp_path / "<b>note.png"
    text.write_text("no picture")
    tab.set_input_files("#digits-file", text)
    tab.wait_for_selector("#problem:visible")
    said = tab.inner_text("#problem")
    assert said.startswith("<b>note.png: is not a whole PNG or JPEG image")
    assert tab.locator("#problem b").count() == 0
    tab.set_input_files("#digits-file", EXAMPLES / "5.png")
    tab.wait_for_selector("#problem", state="hidden")


@pytest.mark.spec("AGE-123", "of another network a saved page has the examples")
def test_a_saved_page_of_convolutions_shows_its_examples(browser, tmp_path):
    cnn = digits_checkpoint(tmp_path, model="model={name: cnn, widths: [4]}")
    panel = Digits(cnn)
    calls = {"digits/start": panel.start, "digits/predict": panel.predict}
    page = Page("t", "s", calls, exported=panel.exported)
    tab = browser.open(saved(page, tmp_path / "page.html") + "#digits")
    compare(tab, cnn, 7)
    assert not tab.is_visible("#problem")
    assert tab.locator("#digits-clear").count() == 0


@pytest.mark.spec("AGE-124", "a checkpoint of other data")
def test_a_saved_page_without_a_network_says_what_it_needs(browser, tmp_path):
    panel = Digits(None)
    page = Page("t", "s", {"digits/start": panel.start}, exported=panel.exported)
    tab = browser.open(saved(page, tmp_path / "page.html") + "#digits")
    tab.wait_for_selector("#problem:visible")
    assert "there is no checkpoint yet" in tab.inner_text("#problem")


@pytest.mark.spec("AGE-123", "with a perceptron in a saved page too")
def test_a_saved_page_needs_no_server(browser, checkpoint, tmp_path):
    address = saved(build(checkpoint), tmp_path / "page.html")
    tab = browser.open(address + "#digits", NARROW, dark=True)
    assert "a saved page" in tab.inner_text("#subtitle")
    compare(tab, checkpoint, 7)
    assert sideways(tab) == 0
