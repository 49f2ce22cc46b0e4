"""The stepper's panel in Chromium: what it writes at each step, and the keyboard."""

import re

import numpy as np
import pytest

from src.app.build import build
from src.app.page import Page
from src.app.stepper import EXAMPLES, Stepper
from src.look.nodes import number as written
from src.scalar import MLP, Scalar, topological_order
from src.scalar.train import log_loss
from tests.browser import (  # noqa: F401
    NARROW,
    launched,
    saved,
    serving,
    sideways,
    tabs,
    wait_for,
)


TEXT = "p = 1.5; q = -0.5\nr = p * q\nr * sigmoid(r) - r / p"


@pytest.fixture(scope="module")
def url():
    with serving(lambda: build(None)) as address:
        yield address + "#stepper"


def calls() -> dict:
    panel = Stepper()
    names = ("start", "expression", "network", "given")
    return {f"stepper/{name}": getattr(panel, name) for name in names}


def rows(tab) -> list[tuple[str, str]]:
    """(value, grad) of each box, in topological order."""
    texts = tab.locator("#stepper-graph .value").all_text_contents()
    return list(zip(texts[::2], texts[1::2], strict=True))


def expected(root: Scalar) -> list[tuple[str, str]]:
    root.backward()
    order = topological_order(root)
    return [(written(node.data), written(node.grad)) for node in order]


def typed() -> Scalar:
    p, q = Scalar(1.5, "p"), Scalar(-0.5, "q")
    r = p * q
    r.name = "r"
    return r * r.sigmoid() - r / p


def head(tab) -> str:
    return tab.inner_text("#stepper-head").lower()


@pytest.mark.spec("AGE-119", "ends at the values and gradients of the engine")
@pytest.mark.spec("AGE-122", "work by keyboard")
def test_a_typed_expression_is_walked_forwards_and_backwards(browser, url):
    tab = browser.open(url)
    tab.fill("#stepper-text", TEXT)
    tab.press("#stepper-text", "Control+Enter")
    tab.wait_for_selector("#stepper-graph text:text('r')")
    start = rows(tab)
    assert [v for v, _ in start].count("not yet") == 5  # the leaves have values
    assert {g for _, g in start} == {"not yet"}
    tab.locator("#stepper-head").click()  # away from the text
    for _ in range(5):
        tab.keyboard.press("ArrowRight")
    assert head(tab).startswith("forward: compute")
    assert [v for v, _ in rows(tab)] == [v for v, _ in expected(typed())]
    tab.click("#stepper-turn")
    assert head(tab) == "backward: the forward pass is done"
    tab.keyboard.press("End")
    assert rows(tab) == expected(typed())
    tab.keyboard.press("Home")
    assert rows(tab) == start


@pytest.mark.spec("AGE-119", "what waits says how many parts have arrived")
def test_a_step_says_what_is_added_where(browser, url):
    tab = browser.open(url)
    tab.select_option("#stepper-example", "why an order")
    wait_for(tab, lambda: len(rows(tab)) == 3)
    tab.click("#stepper-turn")
    tab.click("#stepper-graph-n1 .title")  # b = a + a: its own step
    assert head(tab) == "backward: visit b"
    assert tab.locator("#stepper-lines li").all_inner_texts() == [
        "rule: y = a + b",
        "incoming gradient: 2, complete: 2 parts have arrived",
        "a:  0 + 1 · 2 = 2      local gradient: 1",
        "a:  2 + 1 · 2 = 4      local gradient: 1",
    ]
    assert rows(tab)[2] == ("3", "4")
    assert "gets" in tab.get_attribute("#stepper-graph-n2", "class").split()
    assert tab.locator(".boxes .arrow.now").count() == 2
    tab.keyboard.press("Home")
    tab.click("#stepper-play")
    wait_for(tab, lambda: "only the leaves" not in head(tab))
    tab.click("#stepper-play")
    assert tab.inner_text("#stepper-play") == "▶ play"


def test_a_network_of_xor_takes_a_training_step(browser, url):
    tab = browser.open(url)
    tab.select_option("#stepper-what", "network")
    tab.wait_for_selector("#stepper-graph text:text('hidden0 w0')")
    model = MLP(2, [2, 1], "tanh", seed=3)
    loss = log_loss(model([Scalar(0.0), Scalar(1.0)])[0], 1)
    steps = Stepper().network(2, "tanh", 1)["steps"]
    done = [step["phase"] for step in steps].index("update") - 1
    slide(tab, "stepper-time", done)
    assert rows(tab) == expected(loss)
    tab.keyboard.press("End")
    assert head(tab).startswith("update: zero_grad")
    bias = model.layers[1].neurons[0].bias
    at = topological_order(loss).index(bias)
    assert rows(tab)[at] == (written(bias.data - 0.5 * bias.grad), "0")
    slide(tab, "stepper-hidden", 4)
    tab.wait_for_selector("#stepper-graph text:text('hidden3 w1')")


def slide(tab, name: str, value: int) -> None:
    tab.locator(f"#{name}").evaluate(
        "(one, value) => (one.value = value, one.dispatchEvent(new Event('input')))",
        value,
    )


@pytest.mark.spec("AGE-118", "the network of the playground")
def test_another_panel_can_hand_its_network_over(browser, url):
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=shape) for shape in ((2, 2), (2,), (2, 1), (1,))]
    tab = browser.open(url.replace("#stepper", "#sandbox"))
    given = {
        "activation": "sigmoid", "parameters": [array.tolist() for array in arrays],
        "x": [[0.3, 0.6]], "y": [0], "rate": 0.25,
    }  # fmt: skip
    tab.evaluate(
        "given => import('stepper').then((one) => one.openNetwork(given))", given
    )
    tab.wait_for_selector("#stepper-graph text:text('hidden1 w0')")
    tab.keyboard.press("End")
    hidden = 1 / (1 + np.exp(-(np.array([0.3, 0.6]) @ arrays[0] + arrays[1])))
    logit = (hidden @ arrays[2] + arrays[3])[0]
    assert rows(tab)[0][0] == written(float(np.log1p(np.exp(logit))))
    assert tab.locator("#stepper-what").input_value() == "given"


@pytest.mark.spec("AGE-118", "refused in one sentence with its line and column")
def test_a_bad_expression_shows_a_sentence_and_marks_its_place(browser, url):
    tab = browser.open(url)
    for text, place, words in [
        ("a = 2\na * <b>x</b>", (2, 5), "cannot be read"),
        ("a = 2\nb = a.tanh()", (2, 5), "tanh(x)"),
        ("a = 1; " + "a * " * 300 + "a", (1, 601), "600 characters"),
    ]:
        tab.fill("#stepper-text", text)
        tab.click("#stepper-read")
        wait_for(tab, lambda words=words: words in tab.inner_text("#problem"))
        said = tab.inner_text("#problem")
        assert re.match(rf"line {place[0]}, column {place[1]}: ", said)
    assert len(rows(tab)) == 9  # what was there stays
    tab.fill("#stepper-text", "a = 2\na.tanh()")
    tab.click("#stepper-read")
    wait_for(tab, lambda: "column 1" in tab.inner_text("#problem"))
    start = tab.evaluate("document.getElementById('stepper-text').selectionStart")
    assert start == len("a = 2\n")
    tab.fill("#stepper-text", "a = 2; a * a")
    tab.click("#stepper-read")
    wait_for(tab, lambda: not tab.is_visible("#problem"))


@pytest.mark.spec("AGE-122", "in a saved page, without a server")
def test_a_saved_page_steps_through_its_examples_and_networks(browser, tmp_path):
    page = Page("t", "s", calls(), exported=Stepper().exported)
    tab = browser.open(saved(page, tmp_path / "page.html") + "#stepper")
    tab.select_option("#stepper-example", "a chain")
    tab.wait_for_selector("#stepper-graph text:text('exp')")
    tab.keyboard.press("End")
    x = Scalar(0.5, "x")
    assert rows(tab) == expected((x.exp() - 1).tanh())
    assert not tab.is_visible("#stepper-read")
    tab.select_option("#stepper-what", "network")
    for hidden, name in ((1, "hidden w0"), (3, "hidden2 w0")):
        slide(tab, "stepper-hidden", hidden)
        tab.wait_for_selector(f"#stepper-graph text:text('{name}')")
    tab.select_option("#stepper-point", "-1")
    wait_for(tab, lambda: len(rows(tab)) == 53)
    assert not tab.is_visible("#problem")
    assert len(EXAMPLES) == tab.locator("#stepper-example option").count()


def test_nothing_is_cut_off_on_a_narrow_screen(browser, url):
    tab = browser.open(url, NARROW, dark=True)
    tab.wait_for_selector("#stepper-graph text:text('tanh')")
    assert sideways(tab) <= 0
    for _ in range(9):
        tab.keyboard.press("ArrowRight")
    box = tab.locator(".boxes .node.now").bounding_box()
    assert 0 <= box["x"] and box["x"] + box["width"] <= NARROW
