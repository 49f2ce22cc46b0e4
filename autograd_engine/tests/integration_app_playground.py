"""The playground in Chromium: what it draws against what the library computes."""

import numpy as np
import pytest

from src.app.build import build
from src.app.levels import logits
from src.app.page import Page
from src.app.playground import RECORDED, Playground, recordings
from src.app.playground_setup import Setup
from src.data.points import make_points
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


SIDE, RIM = 48, 0.08


@pytest.fixture(scope="module")
def url():
    with serving(lambda: build(None)) as address:
        yield address + "#playground"


def only(*sets) -> Page:
    """A page of the panel alone, which can be saved with the recordings of `sets`."""
    panel = Playground()

    def exported():
        for name, given in recordings():
            of = given.get("setup", given).get("points")
            if of is None or of in sets:
                yield name, given

    calls = {"playground/start": panel.start, "playground/cost": panel.cost}
    return Page("t", "s", calls, {"playground/record": panel.record}, exported)


def frames_of(number_of, steps, **setup):
    """What the library has for the frames of a training."""
    panel = Playground()
    frames = [panel.begin(setup)["frame"]]
    for _ in range(number_of):
        frames.append(panel.advance(setup, frames[-1]["state"], steps))
    return frames


def chances(parameters, activation, points, count, seed=0):
    """The probability of class 1 in the middle of each cell, the top row first."""
    x, _ = make_points(points, count, seed)
    low, high = x.min(0), x.max(0)
    span = (1 + 2 * RIM) * (high - low).max()
    left, bottom = (low + high - span) / 2
    middle = (np.arange(SIDE) + 0.5) / SIDE * span
    grid = np.stack(np.meshgrid(left + middle, bottom + span - middle), -1)
    values = [np.asarray(p, np.float64) for p in parameters]
    return 1 / (1 + np.exp(-logits(values, activation, grid.reshape(-1, 2))))


def drawn_is(tab, expected):
    """Whether every cell of the map has the colour of its probability."""
    data, *ends = tab.evaluate(
        """() => {
        const canvas = document.getElementById("playground-plane");
        const copy = new OffscreenCanvas(48, 48).getContext("2d");
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, 48, 48);
        const style = getComputedStyle(document.documentElement);
        const ends = ["--paper", "--plus", "--minus"];
        return [Array.from(data), ...ends.map((name) => style.getPropertyValue(name))];
        }"""
    )
    drawn = np.reshape(data, (-1, 4))[:, :3]
    paper, plus, minus = ([*bytes.fromhex(end.strip(" #"))] for end in ends)
    share = np.clip((expected[:, None] - 0.5) / 0.9, -1, 1)
    towards = np.where(share > 0, plus, minus)
    assert np.ptp(drawn, axis=0).max() > 40
    return (
        np.abs(drawn - (paper + np.abs(share) * np.subtract(towards, paper))).max() < 1
    )


def now(tab):
    """Step, loss, share of these and of new points that are right."""
    parts = tab.inner_text("#playground-now").split(" · ")
    return [number(part) for part in parts[:4]]


def shown(frame):
    rates = (frame["accuracy"], frame["accuracy_new"])
    return [frame["step"], frame["loss"], *(100 * rate for rate in rates)]


def wait_for_frame(tab, frame):
    wait_for(tab, lambda: now(tab) == pytest.approx(shown(frame), rel=1e-3))


@pytest.mark.spec("AGE-115", "are the library's for the weights that are shown")
def test_a_training_is_drawn_as_it_is_computed(browser, url):
    tab = browser.open(url)
    tab.select_option("#playground-points", "circle")
    frames = frames_of(4, 3, points="circle")
    wait_for_frame(tab, frames[0])
    for frame in frames[1:]:
        tab.click("#playground-player-step")
        wait_for_frame(tab, frame)
    assert drawn_is(tab, chances(frames[4]["parameters"], "tanh", "circle", 100))
    tab.focus("#playground-plane")
    for key in ["ArrowRight"] + ["ArrowDown"] * 5:
        tab.keyboard.press(key)
    cell = chances(frames[4]["parameters"], "tanh", "circle", 100)[5 * SIDE]
    said = tab.inner_text("output[for=playground-plane]").split("class 1 with")[1]
    assert number(said) == pytest.approx(cell, abs=2e-3)
    tab.focus("#playground-gradients-3")
    tab.keyboard.press("ArrowRight")
    said = tab.inner_text("output[for=playground-gradients-3]")
    slope = frames[4]["gradients"][4][0, 0]
    assert number(said.split(":")[1]) == pytest.approx(slope, rel=1e-3)
    label = tab.get_attribute("#playground-loss", "aria-label")
    assert number(label.split("ends at")[1]) == pytest.approx(
        frames[4]["loss"], rel=1e-3
    )


@pytest.mark.spec("AGE-114", "Stepping back")
def test_play_pause_back_and_on(browser, url):
    tab = browser.open(url)
    frames = frames_of(3, 3)
    tab.click("#playground-player-play")
    wait_for(tab, lambda: now(tab)[0] > 9)
    tab.click("#playground-player-play")
    assert "play" in tab.inner_text("#playground-player-play")
    tab.focus("#playground-player-time")
    tab.keyboard.press("Home")
    wait_for_frame(tab, frames[0])
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    wait_for_frame(tab, frames[2])
    tab.click("#playground-player-back")
    wait_for_frame(tab, frames[1])
    tab.click("#playground-player-step")
    wait_for_frame(tab, frames[2])
    tab.focus("#playground-rate")
    tab.keyboard.press("End")
    tab.click("#playground-player-step")
    wild = Playground().advance({"rate": 3.0}, frames[2]["state"], 3)
    wait_for_frame(tab, wild)
    tab.click("#playground-player-back")
    wait_for_frame(tab, frames[2])


@pytest.mark.spec("AGE-116", "the page says so")
def test_the_engines_show_the_same_and_say_what_they_cannot_take(browser, url):
    tab = browser.open(url)
    frames = frames_of(1, 1, hidden=[8, 8])
    tab.focus("#playground-steps")
    tab.keyboard.press("Home")
    for level in "123":
        tab.select_option("#playground-level", level)
        tab.click("#playground-player-step")
        wait_for_frame(tab, frames[1])
        assert f"on level {level}" in tab.inner_text("#playground-now")
        tab.click("#playground-player-back")
    rows = tab.locator("#playground-cost li")
    assert rows.count() == 3
    nodes = [number(text) for text in rows.locator("small").all_inner_texts()]
    assert nodes == [row["nodes"] for row in Playground().cost({})]
    tab.select_option("#playground-points", "spiral")
    tab.select_option("#playground-level", "1")
    wide = {"points": "spiral", "hidden": [16, 16], "count": 200, "level": 1}
    first, few = frames_of(1, 1, **wide)
    wait_for_frame(tab, first)
    tab.click("#playground-player-step")
    wait_for_frame(tab, few)
    said = tab.inner_text("#playground-now")
    assert f"takes only {few['points']} points a step and 1 step a frame" in said
    tab.select_option("#playground-level", "3")
    tab.click("#playground-player-back")
    tab.click("#playground-player-step")
    wait_for(tab, lambda: "on level 3" in tab.inner_text("#playground-now"))
    assert "takes only" not in tab.inner_text("#playground-now")


@pytest.mark.spec("AGE-114", "Another rate or optimiser")
def test_an_optimiser_chosen_while_a_frame_is_under_way_counts_from_the_next(
    browser, url
):
    tab = browser.open(url)
    frames = frames_of(1, 3)
    held = []

    def hold_the_first(route) -> None:
        held.append(route)
        if len(held) > 1:
            route.continue_()

    tab.route("**/ask/playground/advance", hold_the_first)
    tab.click("#playground-player-step")
    wait_for(tab, lambda: bool(held))
    tab.select_option("#playground-optimiser", "momentum")
    tab.select_option("#playground-level", "2")
    held[0].continue_()
    wait_for_frame(tab, frames[1])
    assert "on level 3" in tab.inner_text("#playground-now")  # by which it was made
    tab.click("#playground-player-step")
    fresh = {**frames[1]["state"], "optimiser": {}}
    wait_for_frame(tab, Playground().advance({"optimiser": "momentum"}, fresh, 3))
    assert "on level 2" in tab.inner_text("#playground-now")
    assert not tab.is_visible("#problem")


@pytest.mark.spec("AGE-115", "also while one is set by hand")
def test_a_neuron_is_set_by_hand_and_trained_from_there(browser, url):
    tab = browser.open(url)
    tab.select_option("#playground-layers", "0")
    tab.wait_for_selector("#playground-hand-2")
    start = Playground().begin({"hidden": []})["frame"]
    tab.focus("#playground-hand-1")
    tab.keyboard.press("End")
    state = {**start["state"], "parameters": [*start["state"]["parameters"]]}
    state["parameters"][0] = [state["parameters"][0][0], 10.0]
    frame = Playground().advance({"hidden": []}, state, 0)
    wait_for(tab, lambda: tab.inner_text("#playground-player output") == "2 of 2")
    exact = start["state"]["parameters"][0][0]  # the slider has hundredths
    said = tab.locator("label", has=tab.locator("#playground-hand-0")).inner_text()
    assert number(said.split("→ output")[1]) == pytest.approx(exact, rel=1e-3)
    assert now(tab) == pytest.approx(shown(frame), rel=1e-3)
    assert drawn_is(tab, chances(frame["parameters"], "tanh", "xor", 100))
    tab.click("#playground-player-step")
    wait_for_frame(tab, Playground().advance({"hidden": []}, frame["state"], 3))
    tab.click("#playground-player-back")
    tab.click("#playground-player-back")
    wait_for_frame(tab, start)


@pytest.mark.spec("AGE-118", "the network of the playground")
def test_its_network_is_stepped_through_or_refused_where_it_can_be_made_smaller(
    browser, url
):
    tab = browser.open(url)
    tab.select_option("#playground-points", "spiral")
    wait_for(tab, lambda: "50.0 % right" in tab.inner_text("#playground-now"))
    tab.click("#playground-stepper")
    wait_for(tab, lambda: "take a smaller network" in tab.inner_text("#problem"))
    assert tab.is_visible("#panel-playground")
    tab.select_option("#playground-points", "xor")
    wait_for(tab, lambda: now(tab)[2] == 62)
    tab.click("#playground-stepper")
    tab.wait_for_selector("#stepper-graph text:text('hidden27 w7')", state="attached")
    assert tab.input_value("#stepper-what") == "given"
    assert not tab.is_visible("#problem")


@pytest.mark.spec("AGE-115", "in a saved page too")
def test_a_saved_page_replays_and_is_set_by_hand(browser, tmp_path):
    address = saved(only("xor", "moons"), tmp_path / "page.html")
    tab = browser.open(address + "#playground", NARROW, dark=True)
    assert sideways(tab) == 0
    assert tab.locator("#playground-level").count() == 0
    assert "null" not in tab.inner_text("#panel-playground")
    tab.select_option("#playground-points", "moons")
    first, *frames = Playground().record("moons")
    count, steps = Setup().count, RECORDED["moons"][1]
    tab.focus("#playground-player-time")
    tab.keyboard.press("End")
    wait_for_frame(tab, frames[-1])
    assert now(tab)[0] == len(frames) * steps
    assert drawn_is(tab, chances(frames[-1]["parameters"], "tanh", "moons", count))
    tab.click("#playground-player-back")
    wait_for_frame(tab, frames[-2])
    tab.click("#playground-player-step")
    wait_for_frame(tab, frames[-1])
    tab.focus("#playground-weights-2")
    for key in ["ArrowRight"] * 3 + ["ArrowDown", "Enter"]:
        tab.keyboard.press(key)
    tab.focus("#playground-hand-0")
    tab.keyboard.press("Home")
    parameters = [np.array(p) for p in frames[-1]["parameters"]]
    parameters[2][1, 2] = -10.0
    assert drawn_is(tab, chances(parameters, "tanh", "moons", count))
    x, y = np.array(first["x"]), np.array(first["y"])
    out = logits(parameters, "tanh", x)
    loss = np.mean(np.logaddexp(0, out) - out * y)
    assert now(tab)[:3] == pytest.approx(
        [len(frames) * steps, loss, 100 * ((out > 0) == y).mean()], rel=1e-3
    )
