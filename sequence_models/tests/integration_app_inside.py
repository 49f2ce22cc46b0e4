"""Attention and gates in Chromium, against what the library computes; a saved page."""

import pytest
import torch

from src.app.attention import TEXTS, Attention
from src.app.build import build
from src.app.choices import Choices
from src.app.features import FEATURES
from src.app.gates import LIVE, Gates
from tests.app_checkpoints import make
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


SHORT = (0, 2, 4)


@pytest.fixture(scope="module", autouse=True)
def _short():
    """Trainings of four steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("src.app.tiny_training.STEPS", SHORT)
        patch.setattr("src.app.gates.STEPS", SHORT)
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place") / "runs"
    for name in ("gpt", "lstm", "pairs"):
        make(folder, name)
    return folder


@pytest.fixture(scope="module")
def url(runs):
    with pytest.MonkeyPatch.context() as patch:
        path = make(runs, "gpt")
        patch.chdir(runs.parent)
        with serving(lambda: build(path)) as address:
            yield address


@pytest.fixture
def choices(runs):
    return Choices(make(runs, "gpt"), runs)


@pytest.mark.spec("SEQ-242", "by its row of the map")
def test_a_token_is_coloured_by_what_the_chosen_one_takes(browser, url, choices):
    tab = browser.open(url + "#attention")
    tab.select_option("#attention-layer", "1")
    tab.select_option("#attention-head", "2")
    wait_for(tab, lambda: "layer 2, head 3" in tab.inner_text("#attention-figures"))
    tab.locator("#attention-keys .piece").nth(9).click()
    panel = Attention(choices)
    weights = panel.map("gpt", TEXTS[0], 1)["weights"][2]
    read = panel.read("gpt", TEXTS[0])
    row = weights[9]
    wait_for(tab, lambda: "(token 10)" in tab.inner_text("#attention-readout"))
    shares = tab.evaluate(
        "[...document.querySelectorAll('#attention-keys .piece')]"
        ".map((one) => Number(one.dataset.share))"
    )
    assert torch.allclose(torch.tensor(shares) / 100.0, row / row.max(), atol=0.0051)
    said = tab.inner_text("#attention-readout").split(": ", 1)[1]
    best = row.topk(5).values
    told = [number(part.split(") ")[1]) for part in said.split("%")[:-1]]
    assert told == pytest.approx((100 * best).tolist(), abs=0.051)
    entropy = read["maps"][1]["entropy"][2]
    figures = tab.inner_text("#attention-figures").split(": ")[1]
    assert number(figures) == pytest.approx(entropy, rel=1e-2)
    tab.check("#attention-turned")
    wait_for(tab, lambda: "is looked at by" in tab.inner_text("#attention-readout"))
    top = number(tab.inner_text("#attention-readout").split(") ", 2)[2])
    assert top == pytest.approx(100 * weights[:, 9].max().item(), abs=0.051)


def test_the_map_is_walked_by_the_keyboard(browser, url, choices):
    tab = browser.open(url + "#attention")
    tab.focus("#attention-map")
    for key in ("ArrowUp", "ArrowDown", "ArrowDown", "ArrowRight"):  # 1: to [0, 0]
        tab.keyboard.press(key)
    panel = Attention(choices)
    weight = panel.map("gpt", TEXTS[0], 0)["weights"][0, 2, 1].item()
    name = panel.read("gpt", TEXTS[0])["tokens"]["text"][2]
    said = tab.inner_text("output[for=attention-map]")
    assert said.startswith(f"{name} (3) takes ")
    assert number(said.split("takes")[1]) == pytest.approx(100 * weight, abs=0.051)
    tab.keyboard.press("Enter")
    wait_for(tab, lambda: "(token 3)" in tab.inner_text("#attention-readout"))


@pytest.mark.spec("SEQ-241", "says in a sentence that it has none")
def test_another_checkpoint_is_chosen(browser, url):
    tab = browser.open(url + "#attention")
    tab.select_option("#attention-checkpoint", "lstm")
    tab.wait_for_selector("#problem:visible")
    assert "lstm has no attention" in tab.inner_text("#problem")
    assert tab.is_visible(".stale #attention-map")  # it is of the one before
    tab.fill("#attention-text", "cab")
    tab.select_option("#attention-checkpoint", "pairs")
    tab.wait_for_selector("#problem", state="hidden")
    tab.select_option("#attention-layer", label="decoder, layer 1, to the text")
    tab.wait_for_selector("#attention-queries:visible")
    assert tab.locator("#attention-keys .piece").all_inner_texts() == ["c", "a", "b"]
    assert tab.locator("#panel-attention .stale").count() == 0


def test_what_of_a_long_text_is_not_read_is_told(browser, url):
    tab = browser.open(url + "#attention")
    tab.fill("#attention-text", "Tom saw a dog. " * 4)
    said = "a long text: the model reads the last 32 of its 60 tokens here"
    wait_for(tab, lambda: tab.inner_text("#status") == said)
    tab.fill("#attention-text", "Tom saw a dog.")
    wait_for(tab, lambda: tab.inner_text("#status") == "")


def curve(tab, slot=0):
    """The heights of a curve, as the page has them, from 0 to 1."""
    path = tab.get_attribute(f"#gates-lines .s{slot} path", "d")
    return -torch.tensor([float(p.split(",")[1]) for p in path[1:].split("L")])


@pytest.mark.spec("SEQ-243", "are those that the network computes")
def test_the_gates_of_a_unit_are_shown(browser, url, choices):
    tab = browser.open(url + "#gates")
    tab.fill("#gates-text", "Tom saw a dog.")
    tab.select_option("#gates-layer", "1")
    tab.select_option("#gates-quantity", "f")
    tab.select_option("#gates-order", "")
    wait_for(tab, lambda: "f, forget gate" in tab.inner_text("#gates-unit"))
    box = tab.locator("#gates-units").bounding_box()
    tab.locator("#gates-units").click(
        position={"x": 3, "y": box["height"] * (5 + 0.5) / 12}
    )
    wait_for(tab, lambda: tab.inner_text("#gates-unit").startswith("unit 5:"))
    read = Gates(choices).read("lstm", "Tom saw a dog.", layer=1)
    gate = read["values"][1, :, 5]
    shares = tab.evaluate(
        "[...document.querySelectorAll('#gates-story .piece')]"
        ".map((one) => Number(one.dataset.share))"
    )
    assert torch.allclose(torch.tensor(shares) / 100.0, gate, atol=0.0051)
    told = [
        number(one) for one in tab.locator("#gates-follows .value").all_inner_texts()
    ]
    assert told == pytest.approx(read["follows"][1, :, 5].tolist(), abs=0.006)
    both = torch.cat((curve(tab), curve(tab, 1)))
    values = torch.cat((gate, read["values"][4, :, 5]))
    assert torch.corrcoef(torch.stack((both, values)))[0, 1] > 0.9999
    tab.select_option("#gates-order", "2")
    best = int(read["follows"][1, 2].abs().argmax())
    wait_for(tab, lambda: tab.inner_text("#gates-unit").startswith(f"unit {best}:"))


@pytest.mark.spec("SEQ-244", "trains on the page")
def test_a_tiny_network_is_trained_while_one_looks(browser, url, choices):
    tab = browser.open(url + "#gates")
    tab.select_option("#gates-source", LIVE + "gru")
    wait_for(tab, lambda: tab.is_visible("#gates-train"))
    tab.select_option("#gates-quantity", "h")
    tab.click("#gates-train")
    wait_for(tab, lambda: tab.inner_text("#gates-train") == "train it")
    wait_for(tab, lambda: tab.input_value("#gates-steps") == "4")
    gates = Gates(choices)
    frames = [*gates.train(LIVE + "gru")]
    text = tab.input_value("#gates-text")
    read = gates.read(LIVE + "gru", text, steps=4)
    unit = int(
        read["follows"][3, FEATURES.index("place in the sentence")].abs().argmax()
    )
    wait_for(
        tab, lambda: tab.inner_text("#gates-unit") == f"unit {unit}: h, the output"
    )
    both = torch.stack((curve(tab), read["values"][3, :, unit]))
    assert torch.corrcoef(both)[0, 1] > 0.9999
    told = tab.get_attribute("#gates-loss", "aria-label")
    assert number(told.split("ends at")[1]) == pytest.approx(frames[-1]["bits"], 1e-3)
    tab.select_option("#gates-source", "gpt")
    tab.wait_for_selector("#problem:visible")
    assert "gpt_2023 has no gates" in tab.inner_text("#problem")


@pytest.mark.spec("SEQ-245", "attention and gates")
def test_a_saved_page_has_attention_and_the_stages_of_a_training(
    browser, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = make(tmp_path, "gpt")
    address = saved(build(path), tmp_path / "page.html")
    tab = browser.open(address + "#attention", NARROW)
    tab.select_option("#attention-layer", "1")
    wait_for(tab, lambda: "layer 2" in tab.inner_text("#attention-figures"))
    assert sideways(tab) == 0
    tab.click("#tab-gates")
    tab.wait_for_selector("#panel-gates[data-ready]")
    assert tab.input_value("#gates-steps") == "4"
    last = curve(tab)
    tab.select_option("#gates-steps", "0")
    wait_for(tab, lambda: not torch.equal(curve(tab), last))
    assert sideways(tab) == 0
