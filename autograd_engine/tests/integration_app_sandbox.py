"""The sandbox's panel in Chromium: which cells light up, against the library."""

import numpy as np
import pytest

from src.app.build import build
from src.app.page import Page
from src.app.sandbox import Sandbox
from src.strided import tensor as strided_tensor
from tests.browser import (  # noqa: F401
    NARROW,
    launched,
    saved,
    serving,
    sideways,
    tabs,
    wait_for,
)


@pytest.fixture(scope="module")
def url():
    with serving(lambda: build(None)) as address:
        yield address + "#sandbox"


def lit(tab, name: str, kind: str = "lit") -> list[int]:
    found = tab.locator(f"#sandbox-{name} .{kind}")
    return found.evaluate_all("all => all.map((one) => Number(one.dataset.at))")


def add(tab, text: str) -> None:
    """Type a step and wait until it stands in the trail."""
    before = tab.locator("#sandbox-trail li").count()
    tab.fill("#sandbox-step", text)
    tab.press("#sandbox-step", "Enter")
    tab.wait_for_selector(f"#sandbox-trail li:nth-child({before + 1})")


def facts(tab) -> dict[str, str]:
    rows = tab.locator("#sandbox-facts tr")
    return dict(row.split("\t", 1) for row in rows.all_inner_texts())


@pytest.mark.spec("AGE-120", "which cell an element reads, which elements read a cell")
@pytest.mark.spec("AGE-122", "work by keyboard")
def test_the_cell_of_each_element_is_where_level_2_reads(browser, url):
    tab = browser.open(url)
    for text in ("transpose(0, 1)", "[1:, ::2]", "flip(0)"):
        add(tab, text)
    view = strided_tensor(np.arange(12.0).reshape(3, 4)).transpose(0, 1)[1:, ::2]
    positions = np.flip(np.array(view.data.positions()).reshape(3, 2), 0).ravel()
    assert facts(tab)["shape"] == "(3, 2)"
    assert lit(tab, "storage", "member") == sorted(positions)
    texts = tab.locator("#sandbox-tensor .cell").all_inner_texts()
    assert texts == [str(cell) for cell in positions]
    tab.focus("#sandbox-tensor")
    for element, cell in enumerate(positions):
        tab.keyboard.press("ArrowRight")
        assert lit(tab, "tensor") == [element] and lit(tab, "storage") == [cell]
        index = np.unravel_index(element, (3, 2))
        said = tab.inner_text("#sandbox-readout")
        assert said.startswith(f"element ({index[0]}, {index[1]}): ")
        assert said.endswith(f"= cell {cell}")
    assert said == "element (2, 1): 2·(−1) + 1·8 + 3 = cell 9"


@pytest.mark.spec("AGE-120", "which cell an element reads, which elements read a cell")
def test_a_broadcast_cell_is_read_by_many_elements(browser, url):
    tab = browser.open(url)
    tab.select_option("#sandbox-shape", "4, 1")
    tab.wait_for_selector("#sandbox-next button:text('expand(4, 3)')")
    tab.click("#sandbox-next button:text('expand(4, 3)')")
    tab.wait_for_selector("#sandbox-trail li:nth-child(2)")
    assert facts(tab)["strides"] == "(1, 0)"
    tab.hover("#sandbox-storage [data-at='2']")
    assert lit(tab, "tensor") == [6, 7, 8]
    said = tab.inner_text("#sandbox-readout")
    assert said == "cell 2: read by 3 elements, (2, 0) (2, 1) (2, 2)"
    tab.mouse.move(0, 0)
    add(tab, "[1:]")
    tab.focus("#sandbox-storage")
    tab.keyboard.press("ArrowRight")
    assert lit(tab, "tensor") == []
    assert tab.inner_text("#sandbox-readout") == "cell 0: read by no element"


@pytest.mark.spec("AGE-120", "what a copy took from where")
def test_a_copy_shows_where_each_number_came_from(browser, url):
    tab = browser.open(url)
    assert facts(tab)["storage"] == "0, new"
    add(tab, "transpose(0, 1)")
    assert "is not contiguous" in facts(tab)["view(-1)"]
    assert facts(tab)["storage"] == "0, shared: nothing was copied"
    add(tab, "contiguous()")
    source = strided_tensor(np.arange(12.0).reshape(3, 4)).transpose(0, 1).data
    for element in (1, 5):
        tab.hover(f"#sandbox-tensor [data-at='{element}']")
        assert lit(tab, "storage") == [element]
        assert lit(tab, "source") == [source.positions()[element]]
    assert facts(tab)["storage"] == "1, new: a copy was made"
    assert facts(tab)["level 3 (numpy)"] == "a copy, strides (3, 1)"
    add(tab, "contiguous()")
    assert facts(tab)["storage"] == "1, shared: nothing was copied"
    tab.click("#sandbox-trail li:nth-child(2) button")  # an earlier state again
    assert facts(tab)["strides"] == "(1, 4)"
    assert not tab.is_visible("#sandbox-source")
    tab.click("#sandbox-undo")
    wait_for(tab, lambda: tab.locator("#sandbox-trail li").count() == 1)


@pytest.mark.spec("AGE-122", "work by keyboard")
def test_the_focus_stays_among_the_next_steps(browser, url):
    tab = browser.open(url)
    tab.focus("#sandbox-next button:text-is('transpose(0, 1)')")
    for steps in (2, 3):
        tab.keyboard.press("Enter")
        tab.wait_for_selector(f"#sandbox-trail li:nth-child({steps})")
    focused = tab.evaluate("document.activeElement.parentNode.id")
    assert focused == "sandbox-next"


@pytest.mark.spec("AGE-121", "an axis a row from the right")
def test_broadcasting_shows_the_rule_and_the_cells(browser, url):
    tab = browser.open(url)
    tab.fill("#sandbox-first", "(2, 1, 3)")
    tab.fill("#sandbox-second", "4, 1")
    tab.click("#sandbox-broadcast")
    tab.wait_for_selector("figcaption:text('(2, 4, 3)')")
    rows = tab.locator("#sandbox-rule tr").all_inner_texts()[1:]
    assert [row.split("\t")[:4] for row in rows] == [
        ["-1", "3", "1", "3"],
        ["-2", "1", "4", "4"],
        ["-3", "2", "–", "2"],
    ]
    cells = np.arange(6).reshape(2, 1, 3), np.arange(4).reshape(4, 1)
    wide = np.broadcast_arrays(*cells)
    texts = tab.locator("#sandbox-sum .cell").all_inner_texts()
    pairs = zip(wide[0].ravel(), wide[1].ravel(), strict=True)
    assert texts == [f"{a}+{b}" for a, b in pairs]
    tab.hover("#sandbox-sum [data-at='17']")
    assert [lit(tab, f"operand{side}") for side in (0, 1)] == [
        [wide[0].ravel()[17]],
        [wide[1].ravel()[17]],
    ]
    tab.hover("#sandbox-operand1 [data-at='3']")
    assert lit(tab, "sum") == np.flatnonzero(wide[1].ravel() == 3).tolist()
    assert "the sum of 6" in tab.inner_text("#sandbox-pairs")
    assert "summed over axis 0 and 2" in tab.inner_text("#sandbox-said")
    tab.select_option("#sandbox-pair", label="(3, 4) and (3,)")
    tab.wait_for_selector("#sandbox-rule tr.bad")
    assert "axis -1 has sizes 4 and 3" in tab.inner_text("#sandbox-said")
    assert not tab.is_visible("#sandbox-sum")


@pytest.mark.spec("AGE-120", "A step that cannot be is refused in one sentence")
def test_bad_steps_and_shapes_show_a_sentence(browser, url):
    tab = browser.open(url)
    for box, text, words in [
        ("step", "view(5)", "cannot be read as (5,)"),
        ("step", "<img src=x>", "`<img src=x>` is no step"),
        ("own", "3, <b>x</b>", '"3, <b>x</b>" is no shape; write whole numbers'),
        ("own", "90, 90", "sizes from 1 to 12"),
    ]:
        tab.fill(f"#sandbox-{box}", text)
        tab.press(f"#sandbox-{box}", "Enter")
        wait_for(tab, lambda words=words: words in tab.inner_text("#problem"))
        if box == "step":
            tab.fill("#sandbox-step", "")
    assert tab.locator("#sandbox-trail li").count() == 1


@pytest.mark.spec("AGE-122", "in a saved page, without a server")
def test_a_saved_page_takes_two_steps_and_lights_cells(browser, tmp_path):
    panel = Sandbox()
    calls = {f"sandbox/{n}": getattr(panel, n) for n in ("start", "chain", "broadcast")}
    page = Page("t", "s", calls, exported=panel.exported)
    tab = browser.open(saved(page, tmp_path / "page.html") + "#sandbox")
    tab.select_option("#sandbox-shape", "2, 3, 4")
    for n, text in enumerate(("permute(2, 0, 1)", "reshape(-1)"), 2):
        tab.click(f"#sandbox-next button:text-is('{text}')")
        tab.wait_for_selector(f"#sandbox-trail li:nth-child({n})")
    source = np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1).ravel()
    tab.hover("#sandbox-tensor [data-at='10']")
    assert lit(tab, "source") == [source[10]]
    buttons = tab.locator("#sandbox-next button")
    assert all(one.is_disabled() for one in buttons.all())  # no third step is held
    tab.select_option("#sandbox-pair", label="(5, 2) and (3, 2)")
    tab.wait_for_selector("#sandbox-rule tr.bad")
    assert not tab.is_visible("#problem") and not tab.is_visible("#sandbox-step")


def test_nothing_is_cut_off_on_a_narrow_screen(browser, url):
    tab = browser.open(url, NARROW, dark=True)
    add(tab, "reshape(1, 12)")
    assert sideways(tab) <= 0
